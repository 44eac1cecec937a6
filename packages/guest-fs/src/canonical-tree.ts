import type { RawStat } from '@host-deployer/driver-api'
import type { GuestPath } from './guest-path.ts'

/**
 * A file tree addressed by canonical paths only: the layer below the symlink walk. Whatever leads through something that is not a directory is
 * absent here (`undefined`), a symlink included: no method ever follows one.
 */
export interface CanonicalTree {
  lstat(path: GuestPath): Promise<RawStat | undefined>
  /** The entry must be a symlink. */
  readlink(path: GuestPath): Promise<string>
  /** The entry must be a directory. */
  readdir(path: GuestPath): Promise<ReadonlyMap<string, RawStat>>
  /** The entry must be a regular file of at most `maxBytes` (`too-large`). The bytes may be shared: do not write into them. */
  readFile(path: GuestPath, maxBytes: number): Promise<Uint8Array>
  /** The entries must exist. One map per path, in order. */
  getXattrs(paths: readonly GuestPath[]): Promise<ReadonlyMap<string, Uint8Array>[]>
}
