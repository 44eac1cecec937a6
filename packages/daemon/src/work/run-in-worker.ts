import type { DeployError } from '@host-deployer/driver-api'
import type { FromWorker, Task, TaskResult } from './messages.ts'
import { unpackError } from './pack-error.ts'
import type { WorkerExit, WorkerProcess } from './worker-process.ts'

export interface RunOptions {
  /** Asks the worker to stop. */
  readonly signal: AbortSignal
  /** How long it may take to release what it holds after that, before it is killed. */
  readonly graceMs: number
  readonly onMessage?: (message: FromWorker) => void
}

/** How a worker's one task ended. */
export type Outcome =
  | { readonly type: 'result'; readonly result: TaskResult }
  | { readonly type: 'error'; readonly error: DeployError }
  /** Its process ended without an answer; `wasKilled` by us, since it did not stop. */
  | { readonly type: 'lost'; readonly wasKilled: boolean; readonly exit: WorkerExit }
  /** It was killed and does not end: it waits for a device. */
  | { readonly type: 'stuck' }

export interface WorkerEnd {
  readonly outcome: Outcome
  /** `false`: it was killed and has not ended, whatever it had answered before; what it has open, it has. */
  readonly isGone: boolean
}

/** What it takes the kernel to end a process. */
const KILL_PATIENCE_MS = 5_000

/**
 * Lets a worker do a task and waits until the process is gone, or cannot be ended. Settles within `graceMs` and the time of a kill after the signal has fired, whatever the
 * worker does. Never rejects.
 */
export async function runInWorker(worker: WorkerProcess, task: Task, { signal, graceMs, onMessage }: RunOptions): Promise<WorkerEnd> {
  let answer: Outcome | undefined
  let wasKilled = false
  const stuck = Promise.withResolvers<WorkerEnd>()
  const timers: NodeJS.Timeout[] = []
  const kill = (): void => {
    wasKilled = answer === undefined
    worker.kill()
    timers.push(setTimeout(() => stuck.resolve({ outcome: answer ?? { type: 'stuck' }, isGone: false }), KILL_PATIENCE_MS))
  }
  const stop = (): void => {
    worker.abort()
    timers.push(setTimeout(kill, graceMs))
  }
  worker.start(task, (message) => {
    if (message.type === 'result') answer = { type: 'result', result: message.result }
    else if (message.type === 'error') answer = { type: 'error', error: unpackError(message.error) }
    else onMessage?.(message)
    // It ends by itself after its answer; one that does not holds nothing any more.
    if (answer !== undefined) timers.push(setTimeout(kill, graceMs))
  })
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop, { once: true })
  try {
    const ended = worker.exited.then((exit): WorkerEnd => ({ outcome: answer ?? { type: 'lost', wasKilled, exit }, isGone: true }))
    return await Promise.race([ended, stuck.promise])
  } finally {
    signal.removeEventListener('abort', stop)
    for (const timer of timers) clearTimeout(timer)
  }
}
