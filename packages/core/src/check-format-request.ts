import type { FormatRequest } from '@host-deployer/api'
import { type DeployErrorOptions, InputError } from '@host-deployer/driver-api'

// What the on-disk formats have room for: bytes of UTF-8 (ext4 "super block", XFS "superblocks", mkswap(8)), and UTF-16 units for f2fs.
const labelLimits: Readonly<Record<FormatRequest['filesystem'], number>> = { ext2: 16, ext3: 16, ext4: 16, xfs: 12, f2fs: 511, swap: 15 }

/**
 * Checks a request for what no tool has to be asked about, so that a mistake costs nothing. `INPUT_FORMAT_UUID` (not a UUID as RFC 4122 writes it, or
 * the nil one), `INPUT_FORMAT_LABEL` (too long for this file system, or not printable), `INPUT_FORMAT_OPTION` (a percentage or threshold out of range, an
 * option of another file system).
 */
export function checkFormatRequest(request: FormatRequest): void {
  const { filesystem, uuid, label } = request
  if (!Object.hasOwn(labelLimits, filesystem))
    throw wrong('INPUT_FORMAT_OPTION', 'filesystem', `is none of ${Object.keys(labelLimits).join(', ')}`)
  if (uuid !== undefined && !isUuid(uuid)) {
    const hint = 'Write it as 8-4-4-4-12 hexadecimal digits, or leave it out: then one is made.'
    throw wrong('INPUT_FORMAT_UUID', 'uuid', 'is not a UUID', { hint })
  }
  if (label !== undefined) checkLabel(label, filesystem)
  checkOptions(request)
}

// The nil UUID means "none" to the tools, and to everything that looks for the disk later.
const isUuid = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) && /[1-9a-f]/i.test(text)

function checkLabel(label: string, filesystem: FormatRequest['filesystem']): void {
  const limit = labelLimits[filesystem]
  const length = filesystem === 'f2fs' ? label.length : new TextEncoder().encode(label).length
  if (length > limit)
    throw wrong('INPUT_FORMAT_LABEL', 'label', `is longer than the ${limit} bytes that ${filesystem} has for it`, {
      hint: 'Choose a shorter one.',
    })
  // An option would be taken for one, whatever the quoting.
  if (label === '' || label.startsWith('-') || /[\x00-\x1f\x7f]/.test(label))
    throw wrong('INPUT_FORMAT_LABEL', 'label', 'is empty, begins with "-", or has control characters')
}

function checkOptions(request: FormatRequest): void {
  const { filesystem, case_insensitive, reserved_blocks_percentage, overprovision_ratio_percentage, ext4_thresholds } = request
  const only = (key: string, value: unknown, types: readonly FormatRequest['filesystem'][]) => {
    if (value !== undefined && value !== false && !types.includes(filesystem))
      throw wrong('INPUT_FORMAT_OPTION', key, `is an option of ${types.join(' and ')}, not of ${filesystem}`, { hint: 'Leave it out.' })
  }
  only('case_insensitive', case_insensitive, ['ext4', 'f2fs'])
  only('reserved_blocks_percentage', reserved_blocks_percentage, ['ext2', 'ext3', 'ext4'])
  only('overprovision_ratio_percentage', overprovision_ratio_percentage, ['f2fs'])
  only('ext4_thresholds', ext4_thresholds, ['ext4'])
  const between = (key: string, value: number | undefined, low: number, high: number) => {
    if (value !== undefined && !(value >= low && value <= high))
      throw wrong('INPUT_FORMAT_OPTION', key, `is not a number from ${low} to ${high}`)
  }
  between('reserved_blocks_percentage', reserved_blocks_percentage, 0, 50)
  between('overprovision_ratio_percentage', overprovision_ratio_percentage, 1, 99)
  between('ext4_thresholds.hugeBytes', ext4_thresholds?.hugeBytes, 0, Number.MAX_SAFE_INTEGER)
  between('ext4_thresholds.largefileBytes', ext4_thresholds?.largefileBytes, 0, Number.MAX_SAFE_INTEGER)
}

const wrong = (code: string, path: string, message: string, options: DeployErrorOptions = {}) =>
  new InputError(code, `${path} ${message}`, { ...options, context: { path } })
