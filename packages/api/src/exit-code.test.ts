import { AbortError, DeployError, FsError, InputError } from '@host-deployer/driver-api'
import { expect, test } from 'vitest'
import { errorCatalogue } from './error-catalogue.ts'
import { exitCode, exitCodeOf } from './exit-code.ts'

test.each([
  [new InputError('INPUT_INVALID', ''), 2],
  [new DeployError('IMAGE_LOCKED', ''), 3],
  [new DeployError('APPLIANCE_MISSING', ''), 4],
  [new DeployError('GUEST_UNSUPPORTED', ''), 5],
  [new FsError('no-space', '/etc'), 6],
  [new DeployError('EXEC_TIMEOUT', ''), 7],
  [new AbortError('ABORTED', ''), 7],
  [new DeployError('NEVER_HEARD_OF', ''), 1],
  [new TypeError('INPUT_INVALID'), 1],
  [undefined, 1],
])('%s', (error, code) => {
  expect(exitCode(error)).toBe(code)
})

test('every catalogued code has a family with an exit code of its own', () => {
  for (const code of Object.keys(errorCatalogue)) {
    expect(code).toMatch(/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/)
    expect([code, exitCodeOf(code)]).toEqual([code, expect.toSatisfy((exit: number) => exit >= 2 && exit <= 7)])
  }
})
