import { DeployError, GuestError } from '@host-deployer/driver-api'

/**
 * What is looked into before anybody says that there is no system: file systems, and volumes, which are in the list themselves. And what holds none that
 * could be installed there: swap, file systems for data and media. On anything else there may be a system that nobody here has seen.
 */
const known: ReadonlySet<string> = new Set([
  ...['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'f2fs', 'LVM2_member'],
  ...['swap', 'vfat', 'exfat', 'iso9660', 'udf'],
])

/**
 * "No operating system" is a success for some calls, so it has to be true: a disk of Windows, or an encrypted one, is `GUEST_UNSUPPORTED`. Any other error
 * stays as it is.
 */
export function unsupportedGuest(error: unknown): unknown {
  if (!isNoRoot(error)) return error
  const found = filesystemsOf(error).flatMap(({ type }) => (known.has(type) ? [] : [type]))
  return found.length === 0 ? error : unsupported(error, `it is on ${[...new Set(found)].join(', ')}`)
}

/**
 * The same for a first deploy, whose client takes a success for a machine that one can log in to: only where nothing is on the disk, or file systems with
 * nothing in them and swap, there is no system. Any other answer than an empty one is better for a system that is not known (of Android, CoreOS, ESXi),
 * for volumes that lack a disk, for a partition table that is not read.
 */
export function unsupportedUnlessEmpty(error: unknown): unknown {
  if (!isNoRoot(error)) return error
  const empty = listOf(error.context['empty'])
  const full = filesystemsOf(error).filter(({ type, device }) => type !== 'swap' && type !== 'LVM2_member' && !empty.includes(device))
  if (full.length > 0)
    return unsupported(error, `there is something on ${full.map(({ device, type }) => `${device} (${type})`).join(', ')}`)
  const unread = listOf(error.context['diagnostics']).flatMap((finding) => textOf(finding, 'code'))
  return unread.some((code) => code.startsWith('BLOCK_')) ? unsupported(error, `not all of the disk could be read (${unread})`) : error
}

const isNoRoot = (error: unknown): error is DeployError => DeployError.isInstance(error) && error.code === 'BLOCK_NO_ROOT'

function unsupported(error: DeployError, why: string): GuestError {
  const made = new GuestError('GUEST_UNSUPPORTED', `The system on the disk is not one that can be changed: ${why}`, {
    ...(error.hint !== undefined && { hint: error.hint }),
    context: error.context,
    cause: error,
  })
  made.phase = error.phase
  return made
}

const filesystemsOf = ({ context }: DeployError) =>
  listOf(context['filesystems']).map((filesystem) => ({ type: textOf(filesystem, 'type'), device: textOf(filesystem, 'device') }))

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const textOf = (value: unknown, name: string): string =>
  typeof value === 'object' && value !== null && name in value ? String((value as Readonly<Record<string, unknown>>)[name]) : ''
