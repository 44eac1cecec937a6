import type { FromWorker, Task, ToWorker, WorkerSetup } from './messages.ts'
import { packError } from './pack-error.ts'
import { loadTools, runTask, type WorkerTools } from './run-task.ts'

// One worker process: loads what its task will need, waits for it, does it, says how it went, ends.

/** What an interrupted task has to let go of its images, once the daemon is gone. */
const ORPHAN_GRACE_MS = 5_000

// The daemon decides when workers end, also when a terminal or a service manager signals all of its processes.
for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => {})

const abort = new AbortController()
let tools: Promise<WorkerTools> | undefined
let isWorking = false

const send = (message: FromWorker): Promise<void> =>
  new Promise((resolve) => {
    if (!process.connected) resolve()
    else process.send?.(message, undefined, {}, () => resolve())
  })

/** Nothing of a task may go on without its daemon: the next one would meet its images in use. */
process.once('disconnect', () => {
  if (!isWorking) process.exit(0)
  abort.abort()
  setTimeout(() => process.exit(1), ORPHAN_GRACE_MS)
})

async function setUp(setup: WorkerSetup): Promise<WorkerTools> {
  const loaded = await loadTools(setup)
  await send({ type: 'ready' })
  return loaded
}

async function work(task: Task): Promise<FromWorker> {
  isWorking = true
  try {
    if (tools === undefined) throw new TypeError('A task before the setup')
    return { type: 'result', result: await runTask(task, await tools, { signal: abort.signal, send: (message) => void send(message) }) }
  } catch (error) {
    return { type: 'error', error: packError(error) }
  }
}

process.on('message', (message: ToWorker) => {
  switch (message.type) {
    case 'setup':
      tools = setUp(message.setup)
      // Told when there is a task to fail.
      tools.catch(() => send({ type: 'ready' }))
      break
    case 'abort':
      abort.abort()
      break
    case 'task':
      void work(message.task)
        .then(send)
        .then(() => process.exit(0))
  }
})
