import { errorCatalogue } from '@host-deployer/api'
import { AbortError, DeployError, FsError } from '@host-deployer/driver-api'
import { expect, test } from 'vitest'
import { errorReport } from './report-failure.ts'

test.each([
  new FsError('no-space', '/etc/passwd'),
  new AbortError('ABORTED', ''),
  new DeployError('IMAGE_LOCKED', ''),
  new DeployError('BLOCK_SCAN_FAILED', ''),
])('an error that was thrown without a hint, $code, is reported with one', (error) => {
  expect(errorReport(error).error.hint).toBe(errorCatalogue[error.code]?.remedy)
})

test('the code of a foreign driver has the hint that came with it, or none', () => {
  expect(errorReport(new DeployError('DRIVER_THEIRS', '', { hint: 'Ask them.' })).error.hint).toBe('Ask them.')
  expect(errorReport(new DeployError('DRIVER_THEIRS', '')).error.hint).toBeNull()
})
