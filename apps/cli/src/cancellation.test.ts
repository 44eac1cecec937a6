import { AbortError, CleanupError, DiskError, DriverError, FsError } from '@host-deployer/driver-api'
import { expect, test } from 'vitest'
import { cancellable } from './cancellation.ts'

const failure = (work: Promise<unknown>): Promise<unknown> => work.then(() => undefined).catch((error: unknown) => error)

/** Rejects with what `error` gives when the signal fires. */
const until = (error: () => Error) => (signal: AbortSignal) =>
  new Promise<never>((_resolve, reject) => signal.addEventListener('abort', () => reject(error())))

test('a timeout says what the work said: phase, context, what was kept and what could not be released', async () => {
  const residue = new CleanupError('CLEANUP_RESIDUE', 'left')
  const kept = { severity: 'info', code: 'TRACES_KEPT', summary: 'kept', path: '/kept' } as const
  const work = until(() => {
    const error = new AbortError('ABORTED', 'Cancelled: mount', { context: { kept: '/kept' } })
    error.phase = 'mount'
    error.diagnostics.push(kept)
    error.cleanupErrors.push(residue)
    return error
  })
  const error = await failure(cancellable(0.01, work))
  expect(error).toMatchObject({ code: 'TIMEOUT', phase: 'mount', retry: 'may-help', context: { kept: '/kept' } })
  expect(error).toMatchObject({ diagnostics: [kept], cleanupErrors: [residue], hint: expect.stringContaining('--timeout') })
})

test('a signal is told from a timeout, and one after the commit says that the changes are there', async () => {
  const work = until(() => {
    const error = new AbortError('ABORTED', 'Cancelled before unmount', { hint: 'There.', context: { committed: true } })
    error.phase = 'unmount'
    return error
  })
  const cancelling = failure(cancellable(undefined, work))
  process.emit('SIGHUP', 'SIGHUP')
  expect(await cancelling).toMatchObject({ code: 'ABORTED', phase: 'unmount', hint: 'There.' })
  expect(await failure(cancellable(0.01, work))).toMatchObject({ code: 'TIMEOUT', phase: 'unmount', hint: 'There.' })
})

test('what fails in a commit is no timeout, what fails for want of time is', async () => {
  const full = new FsError('no-space', '/etc')
  full.phase = 'commit'
  expect(
    await failure(
      cancellable(
        0.01,
        until(() => full),
      ),
    ),
  ).toBe(full)
  const ended = new DriverError('DRIVER_QEMU_EXITED', '')
  ended.phase = 'open'
  const error = await failure(
    cancellable(
      0.01,
      until(() => ended),
    ),
  )
  expect(error).toMatchObject({ code: 'TIMEOUT', phase: 'open', cleanupErrors: [ended] })
  const fault = until(() => new TypeError('x'))
  expect(await failure(cancellable(0.01, fault))).toMatchObject({ code: 'TIMEOUT' })
})

test('what fails in time is left alone', async () => {
  const locked = new DiskError('IMAGE_LOCKED', '')
  expect(await failure(cancellable(60, () => Promise.reject(locked)))).toBe(locked)
})

test.each([2_147_484, 1e12, Number.POSITIVE_INFINITY])('%d seconds are not over at once', async (seconds) => {
  const wasAborted = cancellable(seconds, async (signal) => {
    await new Promise((resolve) => setTimeout(resolve, 50))
    return signal.aborted
  })
  expect(await wasAborted).toBe(false)
})
