import type { WorkSnapshot } from '../work/work.ts'

/** How long after its deadline a job may still be cancelling and cleaning up. */
const GRACE_MS = 120_000
/** A loop that is this late on average serves nobody. */
const MAX_LOOP_DELAY_MS = 2000

/**
 * Why this daemon should be restarted; empty: it is alive. Only what a restart mends counts: a driver that does not work, a full queue, a stuck
 * disk do not.
 */
export function whyNotAlive(
  { jobs }: Pick<WorkSnapshot, 'jobs'>,
  { jobTimeoutMs, loopDelayMs }: { readonly jobTimeoutMs: number; readonly loopDelayMs: number },
): readonly string[] {
  const overdue = jobs.filter(({ waitedMs, runningMs }) => waitedMs + runningMs > jobTimeoutMs + GRACE_MS)
  return [
    ...(loopDelayMs > MAX_LOOP_DELAY_MS ? [`the event loop is late by ${Math.round(loopDelayMs)} ms on average`] : []),
    ...overdue.map(({ id }) => `the job ${id} goes on beyond its deadline: nobody supervises its worker`),
  ]
}
