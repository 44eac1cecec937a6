import { randomBytes } from 'node:crypto'
import { DeployError } from '@host-deployer/driver-api'
import type { DaemonConfig } from '../config/daemon-config.ts'
import { createDriverTasks, type DriverTasks } from './driver-tasks.ts'
import { createFairQueue } from './fair-queue.ts'
import { createImageLookup } from './image-lookup.ts'
import type { Job } from './job.ts'
import { failureOf, type JobRecord, snapshotOf } from './job-record.ts'
import { createLeaseRoom } from './lease-room.ts'
import { makeWorkDirectory } from './make-work-directory.ts'
import type { FromWorker, Task, TaskResult, WorkerSetup } from './messages.ts'
import { packSecrets } from './pack-secrets.ts'
import type { Outcome } from './run-in-worker.ts'
import { createTaskRunner } from './task-runner.ts'
import type { FailureSnapshot, SubmitOptions, Work, WorkEvent } from './work.ts'
import { cancelled, endedBy, queueFull, queueFullOfBytes, stopping, tooLate, workerLost } from './work-errors.ts'
import { createWorkerPool } from './worker-pool.ts'

/** What a job needs to know of the configuration. */
export type WorkConfig = Pick<
  DaemonConfig,
  | 'concurrency'
  | 'queueLimit'
  | 'driver'
  | 'driverOptions'
  | 'workDirectory'
  | 'stateDirectory'
  | 'cacheDirectory'
  | 'imageRoots'
  | 'jobTimeoutMs'
  | 'spareWorkers'
>

export interface CreateWorkOptions {
  readonly config: WorkConfig
  /** Directories whose `node_modules`, and those above them, hold the driver; relative paths of drivers start at the first. */
  readonly driverFrom: readonly [string, ...string[]]
  /** Hears everything from the first moment on. */
  readonly onEvent?: (event: WorkEvent) => void
  /** Cancels everything: as {@link Work.drain} with no time left. */
  readonly signal?: AbortSignal
  /** What a cancelled job may take to release what it holds before its process is killed. Default 10 000. */
  readonly graceMs?: number
  /** The first wait for an image that somebody else holds; each further one is twice as long, up to sixteen times. Default 1 000. */
  readonly lockedAgainMs?: number
  /** Default {@link createWorkerPool}. */
  readonly createPool?: typeof createWorkerPool
}

export interface RunningWork extends Work, Pick<DriverTasks, 'probeDriver' | 'prepareDriver'> {
  /** Whether jobs could have the driver of another configuration, with these options. Rejects with the codes of `loadDriver`, and those of {@link DriverTasks}. */
  checkDriver(config: WorkConfig): Promise<void>
  /** Takes another configuration: jobs that start from now on have it. Directories stay what they were. */
  reconfigure(config: WorkConfig): void
}

const KEPT_FAILURES = 20
/** Of all requests that are here, as they arrived: read, one takes about three times as much of a memory that the daemon's workers and VMs share with it. */
const REQUESTS_LIMIT_BYTES = 128 * 1024 ** 2
const clock = (): number => performance.now()
const newId = (): string => randomBytes(6).toString('hex')

/**
 * Frees what killed processes have left, then takes jobs. Each runs in a process of its own: at most `concurrency` at once, one for each image, clients in
 * turns. `CONFIG_WORK_DIRECTORY`.
 */
export async function createWork(options: CreateWorkOptions): Promise<RunningWork> {
  const { driverFrom, signal, graceMs = 10_000, lockedAgainMs = 1_000, createPool = createWorkerPool } = options
  let config = options.config
  const { workDirectory, stateDirectory, cacheDirectory } = config
  const directories = { workDirectory, stateDirectory, cacheDirectory }
  let isAccepting = true
  let wakeTimer: NodeJS.Timeout | undefined
  let drained: PromiseWithResolvers<void> | undefined
  const listeners = new Set<(event: WorkEvent) => void>(options.onEvent === undefined ? [] : [options.onEvent])
  const queue = createFairQueue<JobRecord>()
  const records = new Map<string, JobRecord>()
  const running = new Set<JobRecord>()
  const busyImages = new Set<string>()
  const lookUp = createImageLookup()
  const failures: FailureSnapshot[] = []
  let requestsBytes = 0

  const emit = (event: WorkEvent): void => {
    for (const listener of listeners) listener(event)
  }
  const setupOf = (of: WorkConfig): WorkerSetup => ({
    driver: of.driver,
    driverOptions: of.driverOptions,
    driverFrom,
    workDirectory: of.workDirectory,
    cacheDirectory: of.cacheDirectory,
    stateDirectory: of.stateDirectory,
    imageRoots: of.imageRoots,
  })

  await makeWorkDirectory(config.workDirectory)
  const leases = createLeaseRoom({
    stateDirectory: config.stateDirectory,
    onFound: (findings) => emit({ type: 'reclaimed', findings }),
  })
  await leases.freeAfterDaemon()
  const pool = createPool(setupOf(config), config.spareWorkers)
  const runner = createTaskRunner({ pool, leases, graceMs })
  const driverTasks = createDriverTasks(runner)

  const finish = (record: JobRecord, outcome: { readonly result: TaskResult } | { readonly error: DeployError }): void => {
    const { id, job, startedMs, settled, weightBytes } = record
    records.delete(id)
    requestsBytes -= weightBytes
    const ms = startedMs === undefined ? 0 : Math.round(clock() - startedMs)
    if ('result' in outcome) {
      const diagnostics = 'diagnostics' in outcome.result ? outcome.result.diagnostics : []
      emit({ type: 'done', id, kind: job.kind, ms, diagnostics })
      settled.resolve(outcome.result)
    } else {
      const { error } = outcome
      failures.unshift(failureOf(record, error, new Date()))
      failures.length = Math.min(failures.length, KEPT_FAILURES)
      const { code, phase = null, message, hint = null } = error
      emit({ type: 'failed', id, kind: job.kind, ms, code, phase, message, hint })
      settled.reject(error)
    }
    if (records.size === 0) drained?.resolve()
  }

  const onMessage = (record: JobRecord, message: FromWorker): void => {
    const { id, job } = record
    if (message.type === 'log') emit({ type: 'log', id, level: message.level, event: message.event, fields: message.fields })
    if (message.type !== 'phase') return
    if (message.state === 'started') record.phase = message.phase
    else emit({ type: 'phase', id, kind: job.kind, phase: message.phase, ms: message.ms })
  }

  /** Puts a job whose image somebody else holds back into the queue, unless its deadline comes before its next turn. */
  const waitForImage = (record: JobRecord, error: DeployError): boolean => {
    const times = (record.locked?.times ?? 0) + 1
    record.locked = { times, error }
    const nextMs = clock() + lockedAgainMs * Math.min(2 ** (times - 1), 16)
    if (nextMs >= record.deadlineMs || record.cancel.signal.aborted) return false
    record.notBeforeMs = nextMs
    emit({ type: 'log', id: record.id, level: 'info', event: 'image.locked', fields: { times, image: record.job.image.path } })
    queue.unshift(record)
    return true
  }

  /** The error that a job ends with. */
  const failureOfRun = (record: JobRecord, outcome: Exclude<Outcome, { type: 'result' }>): DeployError => {
    const { id, cancel, phase } = record
    const reason: unknown = cancel.signal.reason
    if (DeployError.isInstance(reason)) {
      reason.phase ??= phase ?? undefined
      return endedBy(reason, outcome.type === 'error' ? outcome.error : undefined)
    }
    if (outcome.type === 'error') return outcome.error
    const exit = outcome.type === 'lost' ? outcome.exit : { exitCode: null, signal: null, stderr: '' }
    if (exit.stderr !== '') emit({ type: 'log', id, level: 'warn', event: 'worker.stderr', fields: { text: exit.stderr } })
    emit({ type: 'worker-lost', id, exitCode: exit.exitCode, signal: exit.signal })
    const error = workerLost(exit)
    error.phase = phase ?? undefined
    return error
  }

  const run = async (record: JobRecord): Promise<void> => {
    const { id, job, image, cancel, submittedMs } = record
    running.add(record)
    busyImages.add(image)
    record.isRunning = true
    record.phase = null
    if (record.startedMs === undefined) {
      record.startedMs = clock()
      emit({ type: 'started', id, kind: job.kind, waitedMs: Math.round(record.startedMs - submittedMs) })
    }
    const task: Task = { kind: 'job', job: packSecrets(job) }
    const { outcome, freed, gone } = await runner.run(task, cancel.signal, { onMessage: (message) => onMessage(record, message) })
    running.delete(record)
    pump()
    // The slot is free; the image is not before everything that a dead process held, and never while a process that cannot be ended may have it open.
    void gone.then(() => {
      busyImages.delete(image)
      pump()
    })
    await freed
    record.isRunning = false
    const failure = outcome.type === 'result' ? undefined : failureOfRun(record, outcome)
    if (outcome.type === 'result') finish(record, outcome)
    else if (failure !== undefined && !(failure.code === 'IMAGE_LOCKED' && waitForImage(record, failure)))
      finish(record, { error: failure })
    pump()
  }

  /** One who found all slots free and took them has had his share for a while. */
  const runningOf = (client: string): number => [...running].filter((record) => record.client === client).length

  /** Gives free slots to whoever's turn it is. */
  const pump = (): void => {
    clearTimeout(wakeTimer)
    // One reading for both questions: a time that comes between two would be neither here nor waited for.
    const now = clock()
    while (running.size < config.concurrency) {
      const record = queue.take(now, (image) => busyImages.has(image), runningOf)
      if (record === undefined) break
      void run(record)
    }
    const nextMs = queue.nextTimeMs(now)
    if (nextMs !== undefined) wakeTimer = setTimeout(pump, nextMs - now + 1)
  }

  const cancel = (record: JobRecord, reason: DeployError): void => {
    if (record.cancel.signal.aborted || !records.has(record.id)) return
    // That others held its image until then says more than the time.
    const isBeforeWork = record.phase === null || record.phase === 'open'
    const error = reason.code === 'TIMEOUT_JOB' && isBeforeWork ? (record.locked?.error ?? reason) : reason
    record.cancel.abort(error)
    if (!record.isRunning) {
      queue.remove(record.id)
      finish(record, { error })
      pump()
    }
  }

  const submit = async (job: Job, submitted: SubmitOptions): Promise<TaskResult> => {
    const refused = (error: DeployError): DeployError => {
      emit({ type: 'refused', kind: job.kind, label: submitted.label, client: submitted.client, code: error.code })
      return error
    }
    if (!isAccepting) throw refused(stopping())
    if (submitted.signal?.aborted === true) throw cancelled()
    // Free slots are places, too: of a burst as many as there are need not wait.
    if (records.size >= config.concurrency + config.queueLimit) throw refused(queueFull(config.queueLimit))
    const { client, label, weightBytes = 0 } = submitted
    if (requestsBytes + weightBytes > REQUESTS_LIMIT_BYTES) throw refused(queueFullOfBytes(REQUESTS_LIMIT_BYTES))
    const submittedMs = clock()
    const deadlineMs = Math.min(submitted.deadlineMs ?? Number.POSITIVE_INFINITY, submittedMs + config.jobTimeoutMs)
    const record: JobRecord = {
      ...{ id: newId(), job, client, label, submittedMs, weightBytes, deadlineMs, notBeforeMs: Number.POSITIVE_INFINITY },
      ...{ image: '', cancel: new AbortController(), settled: Promise.withResolvers<TaskResult>() },
      ...{ startedMs: undefined, locked: undefined, isRunning: false, phase: null },
    }
    records.set(record.id, record)
    requestsBytes += weightBytes
    submitted.onQueued?.(record.id)
    emit({ type: 'queued', id: record.id, kind: job.kind, label, client, image: job.image.path })
    const onAbort = () => cancel(record, cancelled())
    submitted.signal?.addEventListener('abort', onAbort, { once: true })
    const timer = setTimeout(() => cancel(record, tooLate(deadlineMs - submittedMs)), Math.max(0, deadlineMs - submittedMs))
    // Its place in the line is its own from now on. Storage that does not answer holds up nobody else.
    queue.push(record)
    void lookUp(job.image.path, record.cancel.signal).then((image) => {
      record.image = image
      record.notBeforeMs = 0
      pump()
    })
    try {
      return await record.settled.promise
    } finally {
      clearTimeout(timer)
      submitted.signal?.removeEventListener('abort', onAbort)
    }
  }

  const cancelAll = (): void => {
    for (const record of [...records.values()]) cancel(record, stopping())
  }
  const drain = async (limitMs: number): Promise<void> => {
    isAccepting = false
    const timer = setTimeout(cancelAll, limitMs)
    if (limitMs <= 0) cancelAll()
    drained ??= Promise.withResolvers<void>()
    if (records.size === 0) drained.resolve()
    try {
      await drained.promise
    } finally {
      clearTimeout(timer)
    }
    await driverTasks.close()
    leases.stop()
    await pool.close()
  }
  signal?.addEventListener('abort', () => void drain(0), { once: true })

  return {
    submit: submit as Work['submit'],
    snapshot: () => ({
      accepting: isAccepting,
      slots: { total: config.concurrency, busy: running.size, quarantined: runner.stuck },
      jobs: [...records.values()].map((record) => snapshotOf(record, clock())),
      failures: [...failures],
      workers: { spare: pool.spare, running: running.size + driverTasks.running },
      residue: leases.residue,
    }),
    on(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    drain,
    reconfigure(next) {
      config = { ...next, ...directories }
      pool.change(setupOf(config), config.spareWorkers)
      pump()
    },
    checkDriver: (other) => driverTasks.loadDriver(setupOf({ ...other, ...directories })),
    probeDriver: driverTasks.probeDriver,
    prepareDriver: driverTasks.prepareDriver,
  }
}
