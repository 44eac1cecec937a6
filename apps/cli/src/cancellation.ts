import { AbortError, TimeoutError } from '@host-deployer/driver-api'

/**
 * Runs `work` with a signal that Ctrl-C, SIGTERM, SIGHUP or the deadline fire. A second Ctrl-C ends the process at once; what it held dies with it.
 * Rejects with `ABORTED` or `TIMEOUT` once `work` has cleaned up.
 */
export async function cancellable<T>(timeoutSeconds: number | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  const onSignal = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(7)
    controller.abort(new AbortError('ABORTED', `Cancelled by ${name}`, { hint: 'Nothing was left behind; run it again when ready.' }))
  }
  for (const name of signals) process.on(name, onSignal)
  const deadline = new TimeoutError('TIMEOUT', `Not done after ${timeoutSeconds} s`, {
    hint: 'Give it longer with --timeout, or see with --verbose what it waits for.',
    retry: 'may-help',
  })
  const timer = timeoutSeconds === undefined ? undefined : setTimeout(() => controller.abort(deadline), timeoutSeconds * 1000)
  try {
    return await work(controller.signal)
  } catch (error) {
    // The layers below only know that they were cancelled; we know why.
    if (controller.signal.aborted && controller.signal.reason === deadline) throw deadline
    throw error
  } finally {
    clearTimeout(timer)
    for (const name of signals) process.off(name, onSignal)
  }
}
