import type { BlockSession, MountedGuest, MountOptions } from './mounted-guest.ts'
import type { Storage } from './storage.ts'

/**
 * Finds the root file system by evidence, mounts it read-only, and what the guest's fstab puts into it. On failure nothing stays mounted or
 * active. `BLOCK_NO_ROOT`, `BLOCK_ROOT_AMBIGUOUS`, `BLOCK_ROOT_NOT_FOUND` (the one asked for), `BLOCK_MOUNT_FAILED`, `BLOCK_FILESYSTEM_DAMAGED`,
 * `BLOCK_FILESYSTEM_UNSUPPORTED`.
 */
export async function mountGuest(_session: BlockSession, _storage: Storage, _options: MountOptions = {}): Promise<MountedGuest> {
  throw new TypeError('Not written yet')
}
