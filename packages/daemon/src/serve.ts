import type { Diagnostic, Probe } from '@host-deployer/driver-api'
import { createResourceStack, type ResourceStack } from '@host-deployer/driver-kit'
import type { ConfigComparison } from './config/compare-configs.ts'
import { type ConfigUpdate, followConfig } from './config/follow-config.ts'
import type { ReadConfigOptions, ReadConfigResult } from './config/read-config.ts'
import { startGrpcService } from './grpc/start-grpc-service.ts'
import { claimSocketPath } from './listen-on-socket.ts'
import { lockDaemon } from './lock-daemon.ts'
import { createLogger, type DaemonLogger } from './operate/create-logger.ts'
import { keepPrepared } from './operate/keep-prepared.ts'
import { createServiceNotifier } from './operate/notify-systemd.ts'
import { type Operations, startOperations } from './operate/start-operations.ts'
import { createWork } from './work/create-work.ts'

export interface ServeOptions {
  readonly read: ReadConfigResult
  /** How it was read, to read it again when a file is edited. */
  readonly reading: ReadConfigOptions
  /** Of host-deployer. */
  readonly version: string
  /** Directories whose `node_modules` hold the drivers. */
  readonly driverFrom: readonly [string, ...string[]]
  /** Ends the daemon in order. */
  readonly stop: AbortSignal
  /** Ends it without waiting for what runs. */
  readonly stopNow: AbortSignal
  /** Default: lines on standard error. */
  readonly logger?: DaemonLogger
}

/**
 * Runs the daemon until `stop`: frees what a killed one has left, asks the driver whether it works, serves. A driver that does not work now may work in a
 * minute: the daemon is alive and not ready until then, as it is when that happens later, and jobs end with what the driver lacks. The template is made
 * meanwhile; jobs that come before are clones of what the daemon before has left, or wait for it, or boot. Resolves when everything has ended in order.
 *
 * Rejects when it cannot start: `DAEMON_ALREADY_RUNNING`, the codes of `loadDriver`, of sockets (`listenOnSocket`) and of directories; nothing is left
 * running then.
 */
export async function serve(options: ServeOptions): Promise<void> {
  const { read, version } = options
  const logger = options.logger ?? createLogger(read.config)
  logger.info('daemon.starting', { version, pid: process.pid })
  logDiagnostics(logger, read.diagnostics)
  logger.debug('config.ignored', { names: read.ignored })

  const ends = createResourceStack()
  try {
    await runDaemon(options, logger, ends)
  } catch (error) {
    throw await ends.releaseAfter(error)
  }
  await ends.release()
  logger.info('daemon.stopped')
}

async function runDaemon(options: ServeOptions, logger: DaemonLogger, ends: ResourceStack): Promise<void> {
  const { read, version, driverFrom, stop, stopNow } = options
  const started = performance.now()
  let config = read.config
  let findings = read.diagnostics
  ends.defer('the lock of the state directory', await lockDaemon(config.stateDirectory))
  // Before what another daemon holds is taken for what a killed one left: in another container its process id says nothing, its sockets answer.
  for (const path of [config.adminSocketPath, config.socketPath]) await claimSocketPath(path)
  let operations: Operations | undefined
  const work = await createWork({
    config,
    driverFrom,
    // What happens later is logged by the operations.
    onEvent: (event) => {
      if (event.type === 'reclaimed' && operations === undefined) logDiagnostics(logger, event.findings)
    },
  })
  ends.defer('the jobs', () => work.drain(0))
  const probe = await work.probeDriver()
  operations = await startOperations({
    config: () => config,
    work,
    probe: firstThen(probe, work.probeDriver),
    version,
    logger,
    warnings: () => findings.filter(({ severity }) => severity !== 'info').map(({ summary }) => summary),
  })
  const { health, driver, status } = operations
  ends.defer('the admin socket', operations.close)
  const service = await startGrpcService({ config: () => config, work, health, logger, observe: operations.observe })
  ends.defer('the socket', service.close)
  const notifier = createServiceNotifier({ env: process.env, logger, alive: () => status().alive })
  ends.defer('the notifier', async () => notifier.close())

  // In the background: jobs that come before are clones of a template in a file, or wait for it, or boot.
  const prepare = keepPrepared({
    prepare: (purpose) => work.prepareDriver({ purpose, signal: stop }),
    work,
    driver,
    logger,
    stop,
  })
  const concernsDriver = ({ changed }: ConfigComparison) => changed.includes('driver') || changed.includes('driverOptions')
  // No schema knows the options of all drivers: this one is asked, in a process of its own, before every job fails of them.
  const accept = async (comparison: ConfigComparison) => {
    if (concernsDriver(comparison)) await work.checkDriver(comparison.config)
  }
  followConfig(read, options.reading, onUpdate, { signal: stop, accept })
  function onUpdate(update: ConfigUpdate): void {
    if (stop.aborted) return
    if (update.type === 'refused') {
      logger.error('config.refused', { error: update.error })
      return
    }
    const known = new Set(findings.map(({ summary }) => summary))
    findings = update.findings
    config = update.comparison.config
    logger.level = config.logLevel
    logger.info('config.changed', { changed: update.comparison.changed })
    logDiagnostics(
      logger,
      findings.filter(({ summary }) => !known.has(summary)),
    )
    work.reconfigure(config)
    if (!concernsDriver(update.comparison)) return
    void driver.refresh()
    prepare()
  }
  const whyNot = () => Object.values(health.conditions).flatMap(({ reason }) => reason ?? [])
  const told = () => (health.serving ? 'serving' : `not ready: ${whyNot().join('; ')}`)
  health.on(() => {
    if (!stop.aborted) void notifier.status(told())
  })
  await notifier.ready(told())
  const facts = { socket: config.socketPath, driver: config.driver, ms: Math.round(performance.now() - started) }
  if (health.serving) logger.info('daemon.ready', facts)
  else logger.error('daemon.unready', { ...facts, reasons: whyNot() })

  await aborted(stop)
  logger.info('daemon.stopping', { limitMs: config.drainTimeoutMs, jobs: work.snapshot().jobs.length })
  void notifier.stopping('waiting for jobs to end', config.drainTimeoutMs)
  const drained = work.drain(config.drainTimeoutMs)
  // Looks at once at whether jobs are taken: whoever watches the health hears of it now.
  status()
  void aborted(stopNow).then(() => work.drain(0))
  await drained
}

/** The probe that was made already is the first answer. */
function firstThen(first: Probe, next: () => Promise<Probe>): () => Promise<Probe> {
  let left: Probe | undefined = first
  return async () => {
    const probe = left ?? (await next())
    left = undefined
    return probe
  }
}

function logDiagnostics(logger: DaemonLogger, diagnostics: readonly Diagnostic[]): void {
  for (const diagnostic of diagnostics) {
    const { code, summary, detail, path } = diagnostic
    logger[diagnostic.severity === 'info' ? 'info' : 'warn']('finding', { code, summary, detail, path })
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
