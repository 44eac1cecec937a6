/** Looks every few milliseconds whether something is so, at most for `timeoutMs`. For what the kernel does behind our back and tells nobody. */
export async function becomesTrue(condition: () => Promise<boolean>, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
  const until = performance.now() + timeoutMs
  for (let pauseMs = 2; ; pauseMs = Math.min(pauseMs * 1.5, 100)) {
    if (await condition()) return true
    if (performance.now() > until || signal?.aborted === true) return false
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}
