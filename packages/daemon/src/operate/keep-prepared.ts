import type { Preparation, Probe } from '@host-deployer/driver-api'
import type { PreparationPurpose } from '../work/messages.ts'
import type { Work } from '../work/work.ts'
import type { DaemonLogger } from './create-logger.ts'
import { templateOf } from './template.ts'
import type { DriverWatch } from './watch-driver.ts'

export interface KeepPreparedOptions {
  /** Lets the driver make ahead what the first job would else wait for. */
  readonly prepare: (purpose: PreparationPurpose) => Promise<Preparation>
  readonly work: Pick<Work, 'on' | 'snapshot'>
  readonly driver: Pick<DriverWatch, 'last' | 'on' | 'refresh'>
  readonly logger: DaemonLogger
  /** Nothing is started after this. */
  readonly stop: AbortSignal
  /** Monotonic milliseconds. Default `performance.now`. */
  readonly clock?: () => number
}

/** A template that cannot be held costs a boot at each try, and so does one that cannot be written to a file. */
const AGAIN_MS = 10 * 60_000

/** `driver.prepared` and `driver.prepare` are about this daemon's jobs. */
const EVENTS = {
  jobs: { done: 'driver.prepared', failed: 'driver.prepare' },
  'next-daemon': { done: 'driver.prepared-next', failed: 'driver.prepare-next' },
} as const

/**
 * Has the driver prepared now, in the background, or as soon as it works, and again when a probe finds that what was made has got lost: one clone that did not start, on a busy
 * host perhaps, takes the template with it, and without its memory held each clone has a copy of its own. What is held ends with this daemon: where there is none in a file for
 * the next one, that is made, too, as soon as there is no job, or after ten minutes of jobs. Returns the way to have it prepared at once, for another driver.
 */
export function keepPrepared({ prepare, work, driver, logger, stop, clock = () => performance.now() }: KeepPreparedOptions): () => void {
  let running = 0
  const endedMs = { jobs: Number.NEGATIVE_INFINITY, 'next-daemon': Number.NEGATIVE_INFINITY }
  const run = async (purpose: PreparationPurpose): Promise<void> => {
    running += 1
    try {
      const { outcome, detail } = await prepare(purpose)
      logger.info(EVENTS[purpose].done, { outcome, detail })
    } catch (error) {
      if (!stop.aborted) logger.warn(EVENTS[purpose].failed, { error })
    } finally {
      running -= 1
      endedMs[purpose] = clock()
    }
    if (!stop.aborted) await driver.refresh()
  }
  const isLongAgo = (purpose: PreparationPurpose): boolean => clock() - endedMs[purpose] >= AGAIN_MS
  const isFree = (): boolean => running === 0 && !stop.aborted
  const thinkAhead = (probe: Probe): void => {
    if (!isFree() || !probe.usable || !isOnlyHeld(probe) || !isLongAgo('next-daemon')) return
    if (work.snapshot().jobs.length === 0 || isLongAgo('jobs')) void run('next-daemon')
  }
  let wasUsable = driver.last?.usable !== false
  driver.on((probe) => {
    const isDue = !wasUsable || (isLost(probe) && isLongAgo('jobs'))
    wasUsable = probe.usable
    if (!probe.usable || !isFree()) return
    if (isDue) void run('jobs')
    else thinkAhead(probe)
  })
  work.on(({ type }) => {
    if ((type === 'done' || type === 'failed') && driver.last !== null) thinkAhead(driver.last)
  })
  if (wasUsable) void run('jobs')
  return () => void run('jobs')
}

/** Whether there is a template to be made or held; one that is not wanted or not possible here is not lost. */
function isLost(probe: Probe): boolean {
  const template = templateOf(probe)
  if (template === undefined) return false
  return template.state === 'absent' || template.state === 'failed' || (template.state === 'present' && template.held === false)
}

/** Whether the template will be gone with those who hold it. */
function isOnlyHeld(probe: Probe): boolean {
  const template = templateOf(probe)
  return template?.state === 'present' && template.held === true && template.fileBytes === 0
}
