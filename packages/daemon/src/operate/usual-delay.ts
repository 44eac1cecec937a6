/** What a histogram has counted. */
export interface Delays {
  readonly count: number
  readonly mean: number
  readonly max: number
}

/** The mean of all but the longest: one long delay among few says nothing of how things are. 0 for less than two. */
export function usualDelay({ count, mean, max }: Delays): number {
  return count < 2 ? 0 : (mean * count - max) / (count - 1)
}
