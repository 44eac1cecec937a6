import type { Probe } from '@host-deployer/driver-api'
import type { DaemonLogger } from './create-logger.ts'
import type { Health } from './health.ts'

export interface DriverWatch {
  /** What the last probe found; null before the first. */
  readonly last: Probe | null
  /**
   * Probes now. Calls while a probe runs share the one after it: that one may be of the driver that was there before. Never rejects: a probe that throws
   * says that the driver is unusable.
   */
  refresh(): Promise<Probe>
  /** Calls `listener` with what each probe found, until the returned function is called. */
  on(listener: (probe: Probe) => void): () => void
  stop(): void
}

export interface WatchDriverOptions {
  readonly probe: () => Promise<Probe>
  readonly health: Health
  readonly logger: DaemonLogger
  /** Default 60 000. */
  readonly everyMs?: number
}

/** Probes the driver from time to time and keeps the health's `driver` condition true to what it says. */
export function watchDriver({ probe, health, logger, everyMs = 60_000 }: WatchDriverOptions): DriverWatch {
  let last: Probe | null = null
  let running: Promise<Probe> | undefined
  let next: Promise<Probe> | undefined
  const listeners = new Set<(probe: Probe) => void>()
  const look = async (): Promise<Probe> => {
    const found = await Promise.resolve()
      .then(probe)
      .catch((error: unknown): Probe => {
        logger.error('driver.probe', { error })
        return {
          usable: false,
          findings: [{ subject: 'probe', ok: false, detail: error instanceof Error ? error.message : String(error) }],
        }
      })
    const lacking = found.findings.filter(({ ok }) => !ok)
    if (last === null || last.usable !== found.usable) logger[found.usable ? 'info' : 'error']('driver', { usable: found.usable, lacking })
    last = found
    if (found.usable) health.set('driver')
    else health.set('driver', `the driver does not work here: ${lacking.map(({ subject, detail }) => `${subject}: ${detail}`).join('; ')}`)
    for (const listener of listeners) listener(found)
    return found
  }
  const start = (): Promise<Probe> => {
    running = look().finally(() => {
      running = undefined
    })
    return running
  }
  const refresh = (): Promise<Probe> => {
    if (running === undefined) return start()
    next ??= running.then(() => {
      next = undefined
      return running ?? start()
    })
    return next
  }
  const timer = setInterval(() => {
    if (running === undefined) void start()
  }, everyMs)
  timer.unref()
  return {
    get last() {
      return last
    },
    refresh,
    on(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    stop: () => clearInterval(timer),
  }
}
