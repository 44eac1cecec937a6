/** What waits for its turn. */
export interface Waiting {
  readonly id: string
  /** Clients take turns. */
  readonly client: string
  /** What only one at a time may have: the identity of the image. */
  readonly image: string
  /** Monotonic milliseconds before which its turn does not come; Infinity: not before that is changed. */
  readonly notBeforeMs: number
}

/** Turns for clients, first come first served within each. Knows no clock: callers say what time it is. */
export interface FairQueue<Entry extends Waiting> {
  readonly size: number
  push(entry: Entry): void
  /** Puts an entry before all others of its client: one that had its turn and could not use it. */
  unshift(entry: Entry): void
  /**
   * Takes out the entry whose turn it is: of an image that is free, at its time, of the client with the fewest that run (`runningOf`; absent: all alike).
   * `undefined`: none can go now.
   */
  take(nowMs: number, isBusy: (image: string) => boolean, runningOf?: (client: string) => number): Entry | undefined
  /** Takes out one that waits no longer; `false` when it is not here. */
  remove(id: string): boolean
  /** The earliest {@link Waiting.notBeforeMs} after `nowMs`, when it pays to look again; `undefined`: none waits for a time that comes. */
  nextTimeMs(nowMs: number): number | undefined
}

/**
 * A queue in which clients take turns: whoever was served goes to the end of the line, so that a client with hundreds of jobs takes no more than its
 * share while others wait. An entry that cannot go yet (its image is busy, its time has not come) is passed over and holds up nobody, and its client keeps
 * its place in the line.
 */
export function createFairQueue<Entry extends Waiting>(): FairQueue<Entry> {
  // In the order of their turns; a client without entries is not in it.
  const lines = new Map<string, Entry[]>()
  let size = 0

  const lineOf = (client: string): Entry[] => {
    const found = lines.get(client)
    if (found !== undefined) return found
    const line: Entry[] = []
    lines.set(client, line)
    return line
  }
  const takeOut = (client: string, line: Entry[], index: number): Entry | undefined => {
    const [entry] = line.splice(index, 1)
    size -= 1
    if (line.length === 0) lines.delete(client)
    return entry
  }

  return {
    get size() {
      return size
    },
    push(entry) {
      lineOf(entry.client).push(entry)
      size += 1
    },
    unshift(entry) {
      lineOf(entry.client).unshift(entry)
      size += 1
    },
    take(nowMs, isBusy, runningOf = () => 0) {
      let best: { readonly client: string; readonly line: Entry[]; readonly index: number; readonly running: number } | undefined
      for (const [client, line] of lines) {
        const index = line.findIndex(({ notBeforeMs, image }) => notBeforeMs <= nowMs && !isBusy(image))
        if (index === -1) continue
        const running = runningOf(client)
        if (best === undefined || running < best.running) best = { client, line, index, running }
        if (running === 0) break
      }
      if (best === undefined) return undefined
      const { client, line, index } = best
      const entry = takeOut(client, line, index)
      if (line.length > 0) {
        lines.delete(client)
        lines.set(client, line)
      }
      return entry
    },
    remove(id) {
      for (const [client, line] of lines) {
        const index = line.findIndex((entry) => entry.id === id)
        if (index === -1) continue
        takeOut(client, line, index)
        return true
      }
      return false
    },
    nextTimeMs(nowMs) {
      let next: number | undefined
      for (const line of lines.values()) {
        for (const { notBeforeMs } of line) {
          if (notBeforeMs > nowMs && notBeforeMs < (next ?? Number.POSITIVE_INFINITY)) next = notBeforeMs
        }
      }
      return next
    },
  }
}
