import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Probe } from '@host-deployer/driver-api'
import type { DaemonConfig } from '../config/daemon-config.ts'
import type { RpcCall } from '../grpc/rpc-call.ts'
import type { Work } from '../work/work.ts'
import { createAdminServer } from './admin-server.ts'
import type { DaemonLogger } from './create-logger.ts'
import { createMetrics, type Metrics } from './create-metrics.ts'
import { createFailedCalls } from './failed-calls.ts'
import { createHealth, type Health } from './health.ts'
import { logWork } from './log-work.ts'
import type { ConfigSummary, StatusDocument } from './status-document.ts'
import { templateOf } from './template.ts'
import { usualDelay } from './usual-delay.ts'
import { whyNotAlive } from './vitality.ts'
import { type DriverWatch, watchDriver } from './watch-driver.ts'
import { writeTextfile } from './write-textfile.ts'

export interface OperationsOptions {
  /** The configuration as it is now; asked each time. */
  readonly config: () => DaemonConfig
  readonly work: Work
  /** Probes the driver the configuration names. */
  readonly probe: () => Promise<Probe>
  /** Of host-deployer. */
  readonly version: string
  readonly logger: DaemonLogger
  /** Shown in status: what was said once at start about the configuration. */
  readonly warnings?: () => readonly string[]
}

export interface Operations {
  /**
   * The conditions `driver` and `accepting` are kept here, from the probe and the work; `socket` is set by who serves it.
   */
  readonly health: Health
  readonly metrics: Metrics
  readonly driver: DriverWatch
  /** Hears of the calls of the gRPC service that ended: for metrics and status. */
  observe(call: RpcCall): void
  /** What `/status` shows now. */
  status(): StatusDocument
  /** Ends everything that was started here; the admin socket is the last to go. */
  close(): Promise<void>
}

/**
 * Starts what operators look at: log lines of jobs, metrics, the admin socket, health, the Prometheus textfile if one is configured. Resolves when the
 * admin socket is served and the driver was probed once. Codes: those of `listenOnSocket`.
 */
export async function startOperations({
  config,
  work,
  probe,
  version,
  logger,
  warnings = () => [],
}: OperationsOptions): Promise<Operations> {
  const startedAt = Date.now()
  const health = createHealth()
  const driver = watchDriver({ probe, health, logger })
  const metrics = createMetrics({ work, version, driver: () => config().driver, probe: () => driver.last })
  const stopLog = logWork(work, logger)
  const failedCalls = createFailedCalls(() => work.snapshot().failures)
  const loop = watchLoop()
  const accept = () => {
    if (work.snapshot().accepting) health.set('accepting')
    else health.set('accepting', 'the daemon is stopping')
  }
  const faults = () => whyNotAlive(work.snapshot(), { jobTimeoutMs: config().jobTimeoutMs, loopDelayMs: loop.delayMs() })
  const status = (): StatusDocument => {
    accept()
    const found = faults()
    return {
      schemaVersion: 1,
      version,
      pid: process.pid,
      startedAt: new Date(startedAt).toISOString(),
      uptimeMs: Date.now() - startedAt,
      alive: found.length === 0,
      faults: found,
      ready: health.serving,
      conditions: health.conditions,
      config: summary(config()),
      driver: {
        name: config().driver,
        usable: driver.last?.usable ?? null,
        findings: driver.last?.findings ?? [],
        template: templateOf(driver.last) ?? null,
      },
      warnings: warnings(),
      work: work.snapshot(),
      failedCalls: failedCalls.list(),
    }
  }
  const stop = () => {
    driver.stop()
    metrics.stop()
    stopLog()
    loop.stop()
    clearInterval(ticker)
  }
  const ticker = setInterval(() => {
    accept()
    const path = config().metricsTextfile
    if (path !== undefined) writeTextfile(path, metrics).catch((error: unknown) => logger.warn('metrics.textfile', { path, error }))
  }, 15_000)
  ticker.unref()
  accept()
  try {
    const { adminSocketPath: path, socketGroup: group } = config()
    const server = await createAdminServer({
      place: { path, ...(group !== undefined && { group }) },
      status,
      metrics,
      onError: (error) => logger.error('admin.request', { error }),
    })
    await driver.refresh()
    return {
      health,
      metrics,
      driver,
      observe: (call) => {
        metrics.countCall(call)
        failedCalls.add(call)
      },
      status,
      close: async () => {
        stop()
        await server.close()
      },
    }
  } catch (error) {
    stop()
    throw error
  }
}

/** How late the event loop is on average, over the last half minute at most. One long stop (a host that was suspended) does not show. */
function watchLoop(): { delayMs(): number; stop(): void } {
  const histogram = monitorEventLoopDelay({ resolution: 50 })
  histogram.enable()
  const timer = setInterval(() => histogram.reset(), 30_000)
  timer.unref()
  return {
    delayMs: () => usualDelay(histogram) / 1e6,
    stop: () => {
      clearInterval(timer)
      histogram.disable()
    },
  }
}

function summary(config: DaemonConfig): ConfigSummary {
  const { socketPath, adminSocketPath, concurrency, queueLimit, imageRoots, workDirectory, stateDirectory, cacheDirectory } = config
  const { jobTimeoutMs, drainTimeoutMs, logLevel, allowVmSelinux } = config
  return {
    ...{ socketPath, adminSocketPath, concurrency, queueLimit, imageRoots, workDirectory, stateDirectory, cacheDirectory },
    ...{ jobTimeoutMs, drainTimeoutMs, logLevel, allowVmSelinux },
  }
}
