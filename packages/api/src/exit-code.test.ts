import { AbortError, DeployError, FsError, InputError } from '@host-deployer/driver-api'
import { expect, test } from 'vitest'
import { errorCatalogue } from './error-catalogue.ts'
import { exitCodeOf, exitCodeOfCode } from './exit-code.ts'

test.each([
  [new InputError('INPUT_INVALID', ''), 2],
  [new DeployError('IMAGE_LOCKED', ''), 3],
  [new DeployError('APPLIANCE_MISSING', ''), 4],
  [new DeployError('BLOCK_NOT_EMPTY', ''), 3],
  [new DeployError('GUEST_UNSUPPORTED', ''), 5],
  [new DeployError('BLOCK_NO_ROOT', ''), 5],
  [new DeployError('BLOCK_GROW_FAILED', ''), 6],
  [new DeployError('BLOCK_FORMAT_FAILED', ''), 6],
  [new DeployError('BLOCK_UNMOUNT_FAILED', ''), 6],
  [new DeployError('BLOCK_FILESYSTEM_READ_ONLY', ''), 6],
  [new FsError('no-space', '/etc'), 6],
  [new DeployError('EXEC_TIMEOUT', ''), 7],
  [new AbortError('ABORTED', ''), 7],
  [new DeployError('NEVER_HEARD_OF', ''), 1],
  [new TypeError('INPUT_INVALID'), 1],
  [undefined, 1],
])('%s', (error, code) => {
  expect(exitCodeOf(error)).toBe(code)
})

test('every catalogued error but a fault of ours has an exit code of its own', () => {
  const errors = Object.entries(errorCatalogue).filter(([code, { finding }]) => finding !== true && code !== 'INTERNAL')
  expect(errors.filter(([code]) => exitCodeOfCode(code) === 1)).toEqual([])
})

test('codes are upper snake case, and nothing is left unsaid', () => {
  for (const [code, { summary, remedy }] of Object.entries(errorCatalogue)) {
    expect(code).toMatch(/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/)
    expect([summary, remedy]).toEqual([expect.stringMatching(/^.{10,}[.]$/), expect.stringMatching(/^.{10,}[.]$/)])
  }
})
