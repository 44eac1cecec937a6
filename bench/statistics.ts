/** Three places: milliseconds of seconds. */
export function round(value: number): number {
  return Math.round(value * 1000) / 1000
}

/** Throws `TypeError` when there are none. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((one, other) => one - other)
  const low = sorted[(sorted.length - 1) >> 1]
  const high = sorted[sorted.length >> 1]
  if (low === undefined || high === undefined) throw new TypeError('No numbers have no median')
  return (low + high) / 2
}

/** The item whose number is the median, the smaller of the two in the middle. */
export function medianItem<T>(items: readonly T[], numberOf: (item: T) => number): T | undefined {
  return items.toSorted((one, other) => numberOf(one) - numberOf(other))[(items.length - 1) >> 1]
}
