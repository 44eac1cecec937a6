import type { AttachedDisk, Capabilities, ToolHost } from '@host-deployer/driver-api'
import type { Storage } from './storage.ts'

/**
 * Finds partition tables, file systems and logical volumes on the given disks, and nothing else the tool host may have. Writes nothing; volume
 * groups that are found are activated ({@link releaseStorage}, or `MountedGuest.unmount`, undoes it).
 * `BLOCK_SCAN_FAILED`, `BLOCK_LVM_FAILED`, `CAPABILITY_PARTITION_NODES`.
 */
export async function scanStorage(_toolHost: ToolHost, _disks: readonly AttachedDisk[], _capabilities: Capabilities): Promise<Storage> {
  throw new TypeError('Not written yet')
}

/** Deactivates what {@link scanStorage} activated, for a caller that never got a mounted guest. Idempotent. `BLOCK_LVM_FAILED`. */
export async function releaseStorage(_toolHost: ToolHost, _storage: Storage): Promise<void> {
  throw new TypeError('Not written yet')
}
