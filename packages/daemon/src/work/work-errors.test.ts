import { AbortError, DriverError } from '@host-deployer/driver-api'
import { expect, test } from 'vitest'
import { cancelled, endedBy, tooLate } from './work-errors.ts'

test('a job that was cancelled ends with the reason, its own error is what went wrong besides', () => {
  const cause = new DriverError('DRIVER_QEMU_EXITED', 'gone')
  cause.phase = 'mount'
  expect(endedBy(cancelled(), cause)).toMatchObject({ code: 'ABORTED', phase: 'mount', cleanupErrors: [cause] })
  expect(endedBy(cancelled(), new AbortError('ABORTED', 'cancelled'))).toMatchObject({ code: 'ABORTED', cleanupErrors: [] })
})

test('after the commit nobody is told that nothing was left behind', () => {
  const cause = new AbortError('ABORTED', 'cancelled', { hint: 'It is in the image.', context: { committed: true } })
  cause.phase = 'unmount'
  const [aborted, late] = [cancelled(), tooLate(1_000)].map((reason) => endedBy(reason, cause))
  expect(aborted).toMatchObject({ code: 'ABORTED', phase: 'unmount', hint: 'It is in the image.', context: { committed: true } })
  expect(late).toMatchObject({ code: 'TIMEOUT_JOB', hint: 'It is in the image.', context: { limitMs: 1_000 }, retry: 'may-help' })
})
