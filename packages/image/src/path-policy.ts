import { isAbsolute, relative } from 'node:path'
import type { HostPath } from '@host-deployer/driver-api'

/** Where files that an image's header names may lie. The image itself may be anywhere: the user named it. */
export interface PathPolicy {
  /** Directories, symlinks resolved. A file is allowed when it is below one of them. */
  readonly allowedRoots: readonly HostPath[]
}

/** Whether `path` (symlinks resolved) is below an allowed root. */
export function isAllowed(policy: PathPolicy, path: HostPath): boolean {
  return policy.allowedRoots.some((root) => {
    const below = relative(root, path)
    return below !== '' && below !== '..' && !below.startsWith('../') && !isAbsolute(below)
  })
}
