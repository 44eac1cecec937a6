import type { LeaseRoom } from './lease-room.ts'
import type { FromWorker, Task, WorkerSetup } from './messages.ts'
import { type Outcome, runInWorker } from './run-in-worker.ts'
import type { WorkerPool } from './worker-pool.ts'
import type { WorkerProcess } from './worker-process.ts'

/** Lets tasks be done in worker processes, and cleans up after those that did not end as they should. */
export interface TaskRunner {
  /** Processes that were killed and do not end: each waits for a device. They hold no slot. */
  readonly stuck: number
  /** Resolves when the process is gone, or cannot be ended, or not be started before the signal and its grace. Never rejects. */
  run(task: Task, signal: AbortSignal, options?: RunTaskOptions): Promise<TaskEnd>
}

export interface RunTaskOptions {
  readonly onMessage?: (message: FromWorker) => void
  /** Of the worker; absent: that of the pool. */
  readonly setup?: WorkerSetup
}

export interface TaskEnd {
  readonly outcome: Outcome
  /** Resolves when what a process held that ended without an answer has been freed, or that takes too long. */
  readonly freed: Promise<void>
  /** Resolves when the process is gone, and what it held has been freed: until then its image is nobody else's. Long after the others for one that is stuck. */
  readonly gone: Promise<void>
}

export interface TaskRunnerOptions {
  readonly pool: WorkerPool
  readonly leases: LeaseRoom
  readonly graceMs: number
}

/** How long a job waits until what its dead process held is freed. */
const RECLAIM_PATIENCE_MS = 30_000

export function createTaskRunner({ pool, leases, graceMs }: TaskRunnerOptions): TaskRunner {
  const stuck = new Set<Promise<unknown>>()

  /** Keeps nobody waiting for a device that does not let go. */
  const freeLeft = (): Promise<void> => {
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, RECLAIM_PATIENCE_MS)
    })
    return Promise.race([leases.free(), patience]).finally(() => clearTimeout(timer))
  }

  /**
   * Nothing where the signal and its grace come before the process, as they do where the state directory does not answer. One that comes later is ended: it has no task, so nobody
   * needs to wait for it.
   */
  const takeInTime = async (signal: AbortSignal, setup?: WorkerSetup): Promise<WorkerProcess | undefined> => {
    const late = Promise.withResolvers<undefined>()
    let timer: NodeJS.Timeout | undefined
    const stop = (): void => {
      timer = setTimeout(() => late.resolve(undefined), graceMs)
    }
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
    const taking = pool.take(setup)
    try {
      const worker = await Promise.race([taking, late.promise])
      if (worker === undefined)
        void taking.then(
          (lateOne) => lateOne.kill(),
          () => {},
        )
      return worker
    } finally {
      signal.removeEventListener('abort', stop)
      clearTimeout(timer)
    }
  }

  return {
    get stuck() {
      return stuck.size
    },
    async run(task, signal, { onMessage, setup } = {}) {
      let worker: WorkerProcess | undefined
      let why = ''
      try {
        worker = await takeInTime(signal, setup)
      } catch (error) {
        why = error instanceof Error ? error.message : String(error)
      }
      if (worker === undefined) {
        const exit = { exitCode: null, signal: null, stderr: why }
        return { outcome: { type: 'lost', wasKilled: false, exit }, freed: Promise.resolve(), gone: Promise.resolve() }
      }
      const { outcome, isGone } = await runInWorker(worker, task, { signal, graceMs, ...(onMessage === undefined ? {} : { onMessage }) })
      // It could not release everything itself; nobody has to wait for another try.
      if (outcome.type === 'error' && outcome.error.cleanupErrors.length > 0) void leases.free()
      const freed = outcome.type === 'lost' ? freeLeft() : Promise.resolve()
      if (isGone) return { outcome, freed, gone: freed }
      const exited = worker.exited.then(() => void stuck.delete(exited))
      stuck.add(exited)
      return { outcome, freed, gone: exited.then(freeLeft) }
    },
  }
}
