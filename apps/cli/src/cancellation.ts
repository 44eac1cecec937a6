import { AbortError, DeployError, TimeoutError } from '@host-deployer/driver-api'

/** The most a timer takes, nearly 25 days: a longer one would fire at once, and nobody waits for it. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Phases that no signal cuts off: what fails there has failed by itself. */
const uncut: ReadonlySet<string | undefined> = new Set(['commit', 'unmount', 'close'])

/**
 * Runs `work` with a signal that Ctrl-C, SIGTERM, SIGHUP or the deadline fire. A second Ctrl-C ends the process at once; what it held dies with it.
 * Rejects with `ABORTED` or `TIMEOUT` once `work` has cleaned up: in which phase that was, what was kept and what could not be released is what `work`
 * said.
 */
export async function cancellable<T>(timeoutSeconds: number | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  const onSignal = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(7)
    controller.abort(new AbortError('ABORTED', `Cancelled by ${name}`, { hint: 'Nothing was left behind; run it again when ready.' }))
  }
  const onDeadline = () => {
    const hint = 'Give it longer with --timeout, or see with --verbose what it waits for.'
    controller.abort(new TimeoutError('TIMEOUT', `Not done after ${timeoutSeconds} s`, { hint, retry: 'may-help' }))
  }
  for (const name of signals) process.on(name, onSignal)
  const timeoutMs = (timeoutSeconds ?? Number.POSITIVE_INFINITY) * 1000
  const timer = timeoutMs > LONGEST_TIMER_MS ? undefined : setTimeout(onDeadline, timeoutMs)
  try {
    return await work(controller.signal)
  } catch (error) {
    throw controller.signal.aborted ? endedBy(controller.signal.reason, error) : error
  } finally {
    clearTimeout(timer)
    for (const name of signals) process.off(name, onSignal)
  }
}

/** The layers below only know that they were cancelled; we know why. Theirs is the rest. */
function endedBy(reason: unknown, cause: unknown): unknown {
  if (!DeployError.isInstance(reason) || !DeployError.isInstance(cause)) return reason
  const wasCancelled = cause.code === 'ABORTED'
  if (!wasCancelled && uncut.has(cause.phase)) return cause
  const hint = cause.context['committed'] === true ? cause.hint : reason.hint
  const options = { ...(hint !== undefined && { hint }), retry: reason.retry, context: { ...cause.context }, cause }
  const error =
    reason.code === 'TIMEOUT' ? new TimeoutError('TIMEOUT', reason.message, options) : new AbortError('ABORTED', reason.message, options)
  error.phase = cause.phase
  error.diagnostics.push(...cause.diagnostics)
  error.cleanupErrors.push(...(wasCancelled ? [] : [cause]), ...cause.cleanupErrors)
  return error
}
