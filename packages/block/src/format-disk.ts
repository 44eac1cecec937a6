import { type AttachedDisk, BlockError } from '@host-deployer/driver-api'
import type { BlockSession } from './mounted-guest.ts'
import type { NewFilesystem } from './new-filesystem.ts'
import type { Filesystem } from './storage.ts'

/**
 * Makes a disk into a GPT with one partition that holds one file system; what was on it is lost. Resolves with the file system as probing the device
 * finds it afterwards.
 *
 * Before anything is written: `BLOCK_DISK_READ_ONLY`, `BLOCK_DISK_TOO_SMALL`, and without `force` `BLOCK_NOT_EMPTY`. Later: `BLOCK_FORMAT_FAILED`,
 * `CAPABILITY_FILESYSTEM_TOOL` (the tool host has no program that makes this type), `CAPABILITY_PARTITION_NODES`.
 */
export async function formatDisk(
  _session: BlockSession,
  _disk: AttachedDisk,
  _wanted: NewFilesystem,
  _options: { readonly force: boolean },
): Promise<Filesystem> {
  throw new BlockError('BLOCK_FORMAT_FAILED', 'Not written yet')
}
