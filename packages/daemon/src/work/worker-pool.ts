import type { WorkerSetup } from './messages.ts'
import { startWorker, type WorkerProcess } from './worker-process.ts'

/** Worker processes that wait with everything loaded. */
export interface WorkerPool {
  /** Those that wait. */
  readonly spare: number
  /** A worker that nobody else has; one that waits, or a new one. Another takes its place among those that wait. Of another setup than theirs: a new one. */
  take(of?: WorkerSetup): Promise<WorkerProcess>
  /** Those that wait are of another setup now, or of another number. */
  change(setup: WorkerSetup, spareWorkers: number): void
  /** Ends those that wait; there will be none. Resolves when every process that was started here to wait and is no task's has ended. */
  close(): Promise<void>
}

// A job's first second is its busiest; a new spare loads after that.
const REFILL_DELAY_MS = 1_000

/** Fills itself at once. */
export function createWorkerPool(firstSetup: WorkerSetup, firstSpares: number): WorkerPool {
  let setup = firstSetup
  let wanted = firstSpares
  let isClosed = false
  let timer: NodeJS.Timeout | undefined
  const spares = new Set<WorkerProcess>()
  const starting = new Set<Promise<void>>()
  /** Killed, and not gone yet: each is in the lease journal until then. */
  const ending = new Set<Promise<unknown>>()

  const end = (worker: WorkerProcess): void => {
    worker.kill()
    const exited = worker.exited.then(() => void ending.delete(exited))
    ending.add(exited)
  }
  const addSpare = async (): Promise<void> => {
    const mine = setup
    try {
      const worker = await startWorker(mine)
      if (isClosed || mine !== setup) {
        end(worker)
        // It was counted as one that comes.
        return refill(0)
      }
      spares.add(worker)
      void worker.exited.then(() => {
        // One that died by itself would do so again at once.
        if (spares.delete(worker)) refill(REFILL_DELAY_MS)
      })
    } catch {
      // No process can be started now; the next job says why.
    }
  }
  const refill = (delayMs: number): void => {
    clearTimeout(timer)
    if (isClosed) return
    timer = setTimeout(() => {
      for (let missing = wanted - spares.size - starting.size; missing > 0; missing -= 1) {
        const started = addSpare().finally(() => starting.delete(started))
        starting.add(started)
      }
    }, delayMs)
  }
  const dropSpares = (keep: number): void => {
    for (const worker of [...spares].slice(keep)) {
      spares.delete(worker)
      end(worker)
    }
  }
  refill(0)

  return {
    get spare() {
      return spares.size
    },
    async take(of) {
      if (of !== undefined) return startWorker(of)
      const [worker] = spares
      if (worker !== undefined) spares.delete(worker)
      refill(REFILL_DELAY_MS)
      return worker ?? startWorker(setup)
    },
    change(nextSetup, spareWorkers) {
      const isSame = JSON.stringify(nextSetup) === JSON.stringify(setup)
      wanted = spareWorkers
      if (!isSame) setup = nextSetup
      dropSpares(isSame ? spareWorkers : 0)
      refill(0)
    },
    async close() {
      isClosed = true
      clearTimeout(timer)
      dropSpares(0)
      await Promise.all(starting)
      await Promise.all(ending)
    },
  }
}
