import type { Preparation, Probe } from '@host-deployer/driver-api'
import type { PreparationPurpose, Task, TaskResult, WorkerSetup } from './messages.ts'
import type { TaskRunner } from './task-runner.ts'
import { cancelled, stopping, tooLate, workerLost } from './work-errors.ts'

/** What is done about the driver and is no job: in a worker process, too, which needs no slot. */
export interface DriverTasks {
  readonly running: number
  /** Resolves when the driver of this setup can be loaded and takes its options. Rejects as {@link probeDriver} does. */
  loadDriver(setup: WorkerSetup): Promise<void>
  /** Whether the driver works here and now. Rejects with the codes of `loadDriver`, `DAEMON_WORKER_LOST`, `TIMEOUT_JOB`, `DAEMON_STOPPING`. */
  probeDriver(): Promise<Probe>
  /** Lets the driver make ahead what the first job would else wait for. `ABORTED` by the signal, and what the driver rejects with. */
  prepareDriver(options?: PrepareOptions): Promise<Preparation>
  /** Cancels what runs and takes no more. */
  close(): Promise<void>
}

export interface PrepareOptions {
  /** Default: `jobs`. */
  readonly purpose?: PreparationPurpose
  readonly signal?: AbortSignal
}

interface TaskOptions {
  readonly given?: AbortSignal
  /** Absent: the one that jobs have. */
  readonly setup?: WorkerSetup
}

/** Probing starts programs; making a template boots a VM, emulated perhaps, on a machine with other work. */
const LIMIT_MS = 600_000

export function createDriverTasks(runner: TaskRunner): DriverTasks {
  const tasks = new Set<Promise<unknown>>()
  const closing = new AbortController()

  const run = async (task: Task, { given, setup }: TaskOptions): Promise<TaskResult> => {
    if (closing.signal.aborted) throw stopping()
    const limit = AbortSignal.timeout(LIMIT_MS)
    const signal = AbortSignal.any([limit, closing.signal, ...(given === undefined ? [] : [given])])
    const { outcome, freed } = await runner.run(task, signal, setup === undefined ? {} : { setup })
    if (outcome.type === 'result') return outcome.result
    await freed
    if (closing.signal.aborted) throw stopping()
    if (limit.aborted) throw tooLate(LIMIT_MS)
    if (given?.aborted === true) throw cancelled()
    if (outcome.type === 'error') throw outcome.error
    throw workerLost(outcome.type === 'lost' ? outcome.exit : { exitCode: null, signal: null })
  }
  const start = (task: Task, options: TaskOptions = {}): Promise<TaskResult> => {
    const ended = run(task, options).finally(() => tasks.delete(ended))
    tasks.add(ended)
    return ended
  }

  return {
    get running() {
      return tasks.size
    },
    loadDriver: async (setup) => void (await start({ kind: 'load-driver' }, { setup })),
    probeDriver: () => start({ kind: 'probe-driver' }) as Promise<Probe>,
    prepareDriver: ({ purpose = 'jobs', signal } = {}) =>
      start({ kind: 'prepare-driver', purpose }, signal === undefined ? {} : { given: signal }) as Promise<Preparation>,
    async close() {
      closing.abort()
      await Promise.allSettled(tasks)
    },
  }
}
