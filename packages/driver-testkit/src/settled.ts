/** Asks again until the answer is good or `waitMs` have passed, and returns the last answer: for what another process does in its own time. */
export async function settled<T>(ask: () => Promise<T>, isGood: (answer: T) => boolean, waitMs = 5_000): Promise<T> {
  const end = performance.now() + waitMs
  for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 2, 200)) {
    const answer = await ask()
    if (isGood(answer) || performance.now() >= end) return answer
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}
