import type { Preparation, Probe } from '@host-deployer/driver-api'
import type { DaemonLogger } from './create-logger.ts'
import { templateOf } from './template.ts'
import type { DriverWatch } from './watch-driver.ts'

export interface KeepPreparedOptions {
  /** Lets the driver make ahead what the first job would else wait for. */
  readonly prepare: () => Promise<Preparation>
  readonly driver: Pick<DriverWatch, 'last' | 'on' | 'refresh'>
  readonly logger: DaemonLogger
  /** Nothing is started after this. */
  readonly stop: AbortSignal
  /** Monotonic milliseconds. Default `performance.now`. */
  readonly clock?: () => number
}

/** A template that cannot be held costs a boot at each try. */
const AGAIN_MS = 10 * 60_000

/**
 * Has the driver prepared now, in the background, or as soon as it works, and again when a probe finds that what was made has got lost: one clone that did not start, on a busy
 * host perhaps, takes the template with it, and without its memory held each clone has a copy of its own. Returns the way to have it prepared at once,
 * for another driver.
 */
export function keepPrepared({ prepare, driver, logger, stop, clock = () => performance.now() }: KeepPreparedOptions): () => void {
  let running = 0
  let endedMs = Number.NEGATIVE_INFINITY
  const run = async (): Promise<void> => {
    running += 1
    try {
      const { outcome, detail } = await prepare()
      logger.info('driver.prepared', { outcome, detail })
    } catch (error) {
      if (!stop.aborted) logger.warn('driver.prepare', { error })
    } finally {
      running -= 1
      endedMs = clock()
    }
    if (!stop.aborted) await driver.refresh()
  }
  let wasUsable = driver.last?.usable !== false
  driver.on((probe) => {
    const isDue = !wasUsable || (isLost(probe) && clock() - endedMs >= AGAIN_MS)
    wasUsable = probe.usable
    if (isDue && probe.usable && running === 0 && !stop.aborted) void run()
  })
  if (wasUsable) void run()
  return () => void run()
}

/** Whether there is a template to be made or held; one that is not wanted or not possible here is not lost. */
function isLost(probe: Probe): boolean {
  const template = templateOf(probe)
  if (template === undefined) return false
  return template.state === 'absent' || template.state === 'failed' || (template.state === 'present' && template.held === false)
}
