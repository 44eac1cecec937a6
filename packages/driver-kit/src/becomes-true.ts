const LONGEST_USUAL_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 500

/** Looks every few milliseconds whether something is so, at most for `timeoutMs`. For what the kernel does behind our back and tells nobody. */
export async function becomesTrue(condition: () => Promise<boolean>, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
  const until = performance.now() + timeoutMs
  for (let pauseMs = 2; ; pauseMs = Math.min(pauseMs * 1.5, LONGEST_USUAL_PAUSE_MS)) {
    const lookedAt = performance.now()
    if (await condition()) return true
    const now = performance.now()
    if (now > until || signal?.aborted === true) return false
    // A look through all processes of a busy machine is work: what is waited for needs the processor more.
    const restMs = Math.min(3 * (now - lookedAt), LONGEST_PAUSE_MS)
    await new Promise((resolve) => setTimeout(resolve, Math.max(pauseMs, restMs)))
  }
}
