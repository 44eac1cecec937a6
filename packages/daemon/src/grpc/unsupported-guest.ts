import { DeployError, GuestError } from '@host-deployer/driver-api'

/** File systems that somebody else's system is on, and containers that may hold any. */
const foreign: ReadonlySet<string> = new Set([
  'apfs',
  'bcachefs',
  'BitLocker',
  'crypto_LUKS',
  'ddf_raid_member',
  'hfsplus',
  'isw_raid_member',
  'linux_raid_member',
  'ntfs',
  'ufs',
  'VMFS_volume_member',
  'zfs_member',
])

/**
 * "No operating system" is a success for some calls, so it has to be true: a disk of Windows, or an encrypted one, is `GUEST_UNSUPPORTED`. Any other error
 * stays as it is.
 */
export function unsupportedGuest(error: unknown): unknown {
  if (!DeployError.isInstance(error) || error.code !== 'BLOCK_NO_ROOT') return error
  const found = typesOf(error.context['filesystems']).filter((type) => foreign.has(type))
  if (found.length === 0) return error
  const unsupported = new GuestError(
    'GUEST_UNSUPPORTED',
    `The system on the disk is not one that can be changed; it is on ${found.join(', ')}`,
    {
      ...(error.hint !== undefined && { hint: error.hint }),
      context: error.context,
      cause: error,
    },
  )
  unsupported.phase = error.phase
  return unsupported
}

function typesOf(filesystems: unknown): string[] {
  if (!Array.isArray(filesystems)) return []
  const types = filesystems.map((filesystem: unknown) =>
    typeof filesystem === 'object' && filesystem !== null && 'type' in filesystem ? String(filesystem.type) : '',
  )
  return [...new Set(types)]
}
