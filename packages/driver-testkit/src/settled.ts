/** A machine that is busy may take longer for a look than somebody is willing to wait. */
const MIN_LOOKS = 3

/** Asks again until the answer is good or `waitMs` have passed, and returns the last answer: for what another process does in its own time. */
export async function settled<T>(ask: () => Promise<T>, isGood: (answer: T) => boolean, waitMs = 30_000): Promise<T> {
  const end = performance.now() + waitMs
  for (let looks = 1, pauseMs = 5; ; looks += 1, pauseMs = Math.min(pauseMs * 2, 200)) {
    const answer = await ask()
    if (isGood(answer) || (looks >= MIN_LOOKS && performance.now() >= end)) return answer
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}
