/** Lets a limited number of callers in at once. */
export interface Turnstile {
  /** Resolves when it is the caller's turn, first come first served. Call the result once, when done. */
  enter(): Promise<() => void>
}

/** A {@link Turnstile} with `places` places. */
export function createTurnstile(places: number): Turnstile {
  let free = places
  const waiting: (() => void)[] = []
  const leave = (): void => {
    const next = waiting.shift()
    if (next === undefined) free += 1
    else next()
  }
  return {
    async enter() {
      if (free > 0) free -= 1
      else await new Promise<void>((resolve) => waiting.push(resolve))
      let left = false
      return () => {
        if (left) return
        left = true
        leave()
      }
    },
  }
}
