import { AbortError, DeployError, FsError } from '@host-deployer/driver-api'
import { expect, test } from 'vitest'
import { errorCatalogue } from './error-catalogue.ts'
import { hintOf } from './hint-of.ts'

test('an error has its own hint, or that of its code', () => {
  expect(hintOf(new AbortError('ABORTED', '', { hint: 'Try again.' }))).toBe('Try again.')
  expect(hintOf(new FsError('no-space', '/etc'))).toBe(errorCatalogue['FS_NO_SPACE']?.remedy)
})

test.each(['NEVER_HEARD_OF', 'toString', ''])('a code that is not known (%j) has none', (code) => {
  expect(hintOf(new DeployError(code, ''))).toBeUndefined()
})
