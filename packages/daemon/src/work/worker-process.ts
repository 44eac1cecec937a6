import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createFileLeaseJournal, killTree } from '@host-deployer/driver-kit'
import type { FromWorker, Task, ToWorker, WorkerSetup } from './messages.ts'

export interface WorkerExit {
  readonly exitCode: number | null
  readonly signal: string | null
  /** The last lines it wrote to standard error: of a crash, why. */
  readonly stderr: string
}

/** A process that does one task. */
export interface WorkerProcess {
  readonly pid: number
  /** Resolves when everything it needs is loaded, also when the driver could not be; the task tells then. */
  readonly ready: Promise<void>
  readonly exited: Promise<WorkerExit>
  /** Called once. What the worker says goes to the listener until it exits. */
  start(task: Task, listener: (message: FromWorker) => void): void
  /** Asks the task to stop; it releases what it holds first. */
  abort(): void
  /** SIGKILL, to its children too. */
  kill(): void
}

// A hostile image may make a job swell; that ends the job.
const HEAP_LIMIT_MB = 512
const STDERR_CHARACTERS = 4096

const entry = (): string => createRequire(import.meta.url).resolve('@host-deployer/daemon/worker')

/** How this process was told to find packages; nothing else of its command line concerns a worker. */
const conditions = (): string[] => process.execArgv.filter((argument) => /^(--conditions=|-C=)/.test(argument))

/** What programs need of our environment. No variable of ours goes further: configuration may hold passwords. */
function environment(): NodeJS.ProcessEnv {
  const names = ['PATH', 'HOME', 'TMPDIR', 'TZ', 'LANG']
  return Object.fromEntries(names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])))
}

function tailOf(child: ChildProcess): () => string {
  let text = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-STDERR_CHARACTERS)
  })
  return () => text
}

/**
 * Starts a worker, which loads the driver at once. It is in the lease journal as long as it lives, so that the next daemon ends it should this one be
 * killed. Neither its arguments nor its environment hold anything of the configuration but the directory of compiled code.
 */
export async function startWorker(setup: WorkerSetup): Promise<WorkerProcess> {
  const marker = `host-deployer-worker-${randomUUID()}`
  const held = await createFileLeaseJournal(setup.stateDirectory).record({ kind: 'process', details: { marker } })
  const child = fork(entry(), [marker, join(setup.cacheDirectory, 'compiled')], {
    serialization: 'advanced',
    // A session of its own: what a terminal sends to the daemon is not for the workers.
    detached: true,
    execArgv: [...conditions(), `--max-old-space-size=${HEAP_LIMIT_MB}`],
    env: environment(),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    cwd: '/',
  })
  const stderr = tailOf(child)
  const ready = Promise.withResolvers<void>()
  const exited = Promise.withResolvers<WorkerExit>()
  let listener: ((message: FromWorker) => void) | undefined
  let hasEnded = false
  const end = (exitCode: number | null, signal: string | null, why: string): void => {
    if (hasEnded) return
    hasEnded = true
    ready.resolve()
    void held()
      .catch(() => {})
      .then(() => exited.resolve({ exitCode, signal, stderr: why }))
  }
  child.on('message', (message: FromWorker) => (message.type === 'ready' ? ready.resolve() : listener?.(message)))
  // A worker that cannot be started, or a channel that broke: the exit follows, or there is no process.
  child.on('error', (error) => {
    if (child.pid === undefined) end(null, null, error.message)
  })
  child.once('exit', (exitCode, signal) => {
    // Its last messages may still be in the pipe; 'close' waits for them, and for a grandchild that holds standard error, perhaps for ever.
    const timer = setTimeout(() => end(exitCode, signal, stderr()), 1_000)
    child.once('close', () => {
      clearTimeout(timer)
      end(exitCode, signal, stderr())
    })
  })
  const send = (message: ToWorker): void => {
    if (child.connected) child.send(message, () => {})
  }
  send({ type: 'setup', setup })
  return {
    pid: child.pid ?? 0,
    ready: ready.promise,
    exited: exited.promise,
    start(task, to) {
      listener = to
      send({ type: 'task', task })
    },
    abort: () => send({ type: 'abort' }),
    kill() {
      if (child.pid !== undefined && !hasEnded) killTree(child.pid)
    },
  }
}
