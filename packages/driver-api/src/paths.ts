declare const brand: unique symbol

/** An absolute path on the machine that runs host-deployer. Never handed to a tool host. */
export type HostPath = string & { readonly [brand]: 'host' }

/**
 * An absolute path on a tool host: this machine for a driver that mounts here, the appliance for one that starts a VM.
 * Device nodes and mount points are tool paths.
 */
export type ToolPath = string & { readonly [brand]: 'tool' }

function assertAbsolute(path: string): void {
  if (!path.startsWith('/')) throw new TypeError(`Not an absolute path: ${JSON.stringify(path)}`)
  if (path.includes('\0')) throw new TypeError(`A path cannot contain NUL: ${JSON.stringify(path)}`)
}

/** Brands an absolute path as a host path. Throws `TypeError` for a relative path or one with NUL: both are programming mistakes. */
export function hostPath(path: string): HostPath {
  assertAbsolute(path)
  return path as HostPath
}

/** Brands an absolute path as a tool path. Throws `TypeError` for a relative path or one with NUL. */
export function toolPath(path: string): ToolPath {
  assertAbsolute(path)
  return path as ToolPath
}

/** Appends one or more relative segments to a tool path. Does not interpret `..`: callers pass plain names. */
export function joinToolPath(base: ToolPath, ...segments: readonly string[]): ToolPath {
  let path: string = base
  for (const segment of segments) path = path.endsWith('/') ? path + segment : `${path}/${segment}`
  return path as ToolPath
}
