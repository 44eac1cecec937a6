import { status } from '@grpc/grpc-js'
import { errorCatalogue } from '@host-deployer/api'
import { errorDetailsKey } from '@host-deployer/api/grpc'
import { InputError } from '@host-deployer/driver-api'
import { expect, test } from 'vitest'
import { errorResponse, statusOfCode } from './status-of-error.ts'

const thrown = Object.entries(errorCatalogue).filter(([, { finding }]) => finding !== true)

test('no code of the catalogue is UNKNOWN or OK, which say nothing', () => {
  for (const [code] of thrown) expect([status.OK, status.UNKNOWN]).not.toContain(statusOfCode(code))
})

test.each([
  ['INPUT_INVALID', status.INVALID_ARGUMENT],
  ['INPUT_MESSAGE_TOO_LARGE', status.RESOURCE_EXHAUSTED],
  ['INPUT_NETWORK_UNSUPPORTED', status.FAILED_PRECONDITION],
  ['IMAGE_NOT_FOUND', status.NOT_FOUND],
  ['IMAGE_LOCKED', status.ABORTED],
  ['IMAGE_PATH_REFUSED', status.PERMISSION_DENIED],
  ['GROW_UNSUPPORTED', status.FAILED_PRECONDITION],
  ['GUEST_UNSUPPORTED', status.FAILED_PRECONDITION],
  ['BLOCK_NO_ROOT', status.NOT_FOUND],
  ['FS_NO_SPACE', status.FAILED_PRECONDITION],
  ['FS_IO', status.INTERNAL],
  ['DRIVER_QEMU_EXITED', status.UNAVAILABLE],
  ['TIMEOUT_JOB', status.DEADLINE_EXCEEDED],
  ['EXEC_TIMEOUT', status.DEADLINE_EXCEEDED],
  ['ABORTED', status.CANCELLED],
  ['DAEMON_QUEUE_FULL', status.RESOURCE_EXHAUSTED],
  ['DAEMON_STOPPING', status.UNAVAILABLE],
  ['DAEMON_NOT_IMPLEMENTED', status.UNIMPLEMENTED],
  ['DAEMON_WORKER_LOST', status.INTERNAL],
  ['SOMETHING_NEW', status.INTERNAL],
])('%s is %i', (code, expected) => {
  expect(statusOfCode(code)).toBe(expected)
})

test.each(['x', '\u00fc', '\u{1f600}', '\n'])(
  'a message as long as a book fits into the 8 KiB of trailers that clients take: %j',
  (character) => {
    const error = new InputError('INPUT_INVALID', character.repeat(100_000), { hint: character.repeat(100_000) })
    const { details = '', metadata } = errorResponse(error)
    const [bytes] = metadata?.get(errorDetailsKey) ?? []
    expect(encodeURIComponent(details).length + Buffer.from(bytes ?? '').toString('base64').length).toBeLessThan(7000)
  },
)
