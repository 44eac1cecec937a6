/** How a driver was named, as something to resolve. */
export type DriverSpecifier = { readonly type: 'package'; readonly name: string } | { readonly type: 'path'; readonly path: string }

/** The drivers of this project. Their names belong to their packages: no other driver may call itself so. */
export const ownDriverNames = ['qemu-initramfs', 'nbd'] as const

/** Names of the field that mean one of ours. */
const aliases: ReadonlyMap<string, string> = new Map([['qemu-kvm', 'qemu-initramfs']])

/**
 * Pure. `./x`, `../x` and `/x` are paths; `name` is `@host-deployer/driver-name` and nothing else; everything with a slash or a scope is a package.
 */
export function driverSpecifier(nameOrPath: string): DriverSpecifier {
  if (/^\.{0,2}\//.test(nameOrPath) || nameOrPath === '.' || nameOrPath === '..') return { type: 'path', path: nameOrPath }
  if (/^[a-z][a-z0-9-]*$/.test(nameOrPath))
    return { type: 'package', name: `@host-deployer/driver-${aliases.get(nameOrPath) ?? nameOrPath}` }
  return { type: 'package', name: nameOrPath }
}
