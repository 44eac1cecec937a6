import type { FormatRequest } from '@host-deployer/api'
import { DeployError } from '@host-deployer/driver-api'
import { expect, test } from 'vitest'
import { checkFormatRequest } from './check-format-request.ts'

function refused(request: unknown): string | undefined {
  try {
    checkFormatRequest(request as FormatRequest)
    return undefined
  } catch (error) {
    return DeployError.isInstance(error) ? error.code : String(error)
  }
}

const uuid = '5c2ac0ad-7ffd-4a5c-9fc5-8a3a5d7a1b6e'

test.each([
  { filesystem: 'swap', uuid: uuid.toUpperCase(), label: 'fifteen-letters' },
  { filesystem: 'xfs', label: 'twelve-chars' },
  { filesystem: 'ext4', case_insensitive: true, reserved_blocks_percentage: 0, ext4_thresholds: { hugeBytes: 1, largefileBytes: 2 } },
  { filesystem: 'ext2', reserved_blocks_percentage: 50 },
  { filesystem: 'f2fs', case_insensitive: true, overprovision_ratio_percentage: 5, label: 'caf\u00e9' },
  { filesystem: 'xfs', case_insensitive: false },
])('%o is good', (request) => {
  expect(refused(request)).toBeUndefined()
})

test.each([
  ['INPUT_FORMAT_UUID', { filesystem: 'ext4', uuid: 'f00d' }],
  ['INPUT_FORMAT_UUID', { filesystem: 'ext4', uuid: '' }],
  ['INPUT_FORMAT_UUID', { filesystem: 'ext4', uuid: `${uuid}\n` }],
  ['INPUT_FORMAT_UUID', { filesystem: 'ext4', uuid: uuid.replaceAll('-', '') }],
  ['INPUT_FORMAT_UUID', { filesystem: 'ext4', uuid: uuid.replaceAll(/[^-]/g, '0') }],
  ['INPUT_FORMAT_LABEL', { filesystem: 'xfs', label: 'thirteen-char' }],
  ['INPUT_FORMAT_LABEL', { filesystem: 'ext4', label: '\u00e9'.repeat(9) }],
  ['INPUT_FORMAT_LABEL', { filesystem: 'ext4', label: '' }],
  ['INPUT_FORMAT_LABEL', { filesystem: 'ext4', label: '-F' }],
  ['INPUT_FORMAT_LABEL', { filesystem: 'ext4', label: 'a\u001b[2J' }],
  ['INPUT_FORMAT_OPTION', { filesystem: 'ntfs' }],
  ['INPUT_FORMAT_OPTION', { filesystem: 'toString' }],
  ['INPUT_FORMAT_OPTION', { filesystem: 'xfs', case_insensitive: true }],
  ['INPUT_FORMAT_OPTION', { filesystem: 'f2fs', reserved_blocks_percentage: 1 }],
  ['INPUT_FORMAT_OPTION', { filesystem: 'ext4', overprovision_ratio_percentage: 5 }],
  ['INPUT_FORMAT_OPTION', { filesystem: 'ext4', reserved_blocks_percentage: 51 }],
  ['INPUT_FORMAT_OPTION', { filesystem: 'ext4', reserved_blocks_percentage: Number.NaN }],
  ['INPUT_FORMAT_OPTION', { filesystem: 'f2fs', overprovision_ratio_percentage: 0 }],
  ['INPUT_FORMAT_OPTION', { filesystem: 'ext4', ext4_thresholds: { hugeBytes: -1, largefileBytes: 2 } }],
])('%s for %o', (code, request) => {
  expect(refused(request)).toBe(code)
})
