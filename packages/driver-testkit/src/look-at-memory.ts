import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** The memory of this process. */
export interface Memory {
  /** What is still referred to, from JavaScript. */
  readonly heldBytes: number
  /** What the machine has given: also what the allocator keeps for later, which depends on how things went. */
  readonly residentBytes: number
}

/** Looks at the memory of this process once the garbage has been collected. */
export async function lookAtMemory(): Promise<Memory> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // Buffers are freed behind the back of one collection, and are off the books with the next.
  for (let count = 0; count < 3; count += 1) {
    collect()
    await setImmediate()
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  return { heldBytes: heapUsed + external, residentBytes: rss }
}
