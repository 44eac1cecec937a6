import { randomBytes } from 'node:crypto'
import { deploy, format, grow, loadAhead, type PhaseEvent, probe } from '@host-deployer/core'
import type { Driver, DriverContext, Logger } from '@host-deployer/driver-api'
import { createFileLeaseJournal } from '@host-deployer/driver-kit'
import { loadDriver } from '@host-deployer/driver-loader'
import { inspectAllowed } from './find-image.ts'
import type { Job } from './job.ts'
import type { FromWorker, LogLevel, Task, TaskResult, WorkerSetup } from './messages.ts'
import { unpackSecrets } from './pack-secrets.ts'
import { sendable } from './sendable.ts'

/** What a worker has loaded. */
export interface WorkerTools {
  readonly setup: WorkerSetup
  readonly driver: Driver
  /** Checked by the driver's own schema. */
  readonly options: unknown
}

export interface TaskChannel {
  readonly signal: AbortSignal
  readonly send: (message: FromWorker) => void
}

/** Loads the driver, and all code that a job runs. The codes of `loadDriver`. */
export async function loadTools(setup: WorkerSetup): Promise<WorkerTools> {
  const [{ driver, options }] = await Promise.all([
    loadDriver(setup.driver, { from: setup.driverFrom, options: setup.driverOptions }),
    loadAhead(),
  ])
  return { setup, driver, options }
}

/** Does what a worker is there for. Rejects with `DeployError`: that of the job, or of the driver. */
export async function runTask(task: Task, tools: WorkerTools, channel: TaskChannel): Promise<TaskResult> {
  const { driver } = tools
  const context = contextOf(tools, channel)
  switch (task.kind) {
    case 'load-driver':
      return { driver: driver.name }
    case 'probe-driver':
      return driver.probe(context)
    case 'prepare-driver':
      return (
        (await driver.prepare?.(context, task.purpose === 'jobs' ? { keepFor: process.ppid } : {})) ?? {
          outcome: 'nothing',
          detail: `the driver ${driver.name} has nothing to make ahead`,
        }
      )
    case 'job':
      return runJob(unpackSecrets(task.job) as Job, tools, context, channel)
  }
}

async function runJob(
  job: Job,
  { driver, setup }: WorkerTools,
  context: DriverContext<unknown>,
  { send }: TaskChannel,
): Promise<TaskResult> {
  const onPhase = ({ phase, state, durationMs }: PhaseEvent) => send({ type: 'phase', phase, state, ms: durationMs ?? 0 })
  const { imageRoots, workDirectory, stateDirectory, cacheDirectory } = setup
  const image = await inspectAllowed(job.image, { imageRoots, ownDirectories: [workDirectory, stateDirectory, cacheDirectory] })
  const target = { driver, context, image, clock: () => performance.now(), onPhase }
  switch (job.kind) {
    case 'probe':
      return probe(target)
    case 'grow':
      return grow(target)
    case 'format':
      // The client asked for this very disk to be formatted; there is nobody to ask again.
      return format({ ...target, request: job.request, force: true })
    case 'deploy': {
      const ambient = { now: new Date(), randomBytes: (count: number) => randomBytes(count) }
      return (await deploy({ ...target, request: job.request, ambient })).report
    }
  }
}

function contextOf({ setup, options }: WorkerTools, { signal, send }: TaskChannel): DriverContext<unknown> {
  const log =
    (level: LogLevel) =>
    (event: string, fields: Readonly<Record<string, unknown>> = {}): void =>
      send({ type: 'log', level, event, fields: sendable(fields) as Record<string, unknown> })
  const logger: Logger = { debug: log('debug'), info: log('info'), warn: log('warn') }
  return {
    options,
    workDirectory: setup.workDirectory,
    cacheDirectory: setup.cacheDirectory,
    logger,
    leases: createFileLeaseJournal(setup.stateDirectory),
    signal,
  }
}
