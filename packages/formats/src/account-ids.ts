import type { IdRange } from './login-defs.ts'

/**
 * The id that `useradd` or `groupadd` would give a new ordinary account: one above the highest in use within the range, or the lowest
 * free one when the top is taken. `undefined`: the range is full.
 * @param preferred taken when it is free and in range: a user's own group gets the user's number
 */
export function allocateId(used: Iterable<number>, range: IdRange, preferred?: number): number | undefined {
  const taken = within(used, range)
  if (preferred !== undefined && isFree(preferred, taken, range)) return preferred
  const next = taken.size === 0 ? range.min : Math.max(...taken) + 1
  if (next <= range.max) return next
  for (let id = range.min; id <= range.max; id++) if (!taken.has(id)) return id
  return undefined
}

/** The same for a system account (`--system`), from the top of the range down. */
export function allocateSystemId(used: Iterable<number>, range: IdRange, preferred?: number): number | undefined {
  const taken = within(used, range)
  if (preferred !== undefined && isFree(preferred, taken, range)) return preferred
  const next = taken.size === 0 ? range.max : Math.min(...taken) - 1
  if (next >= range.min) return next
  for (let id = range.max; id >= range.min; id--) if (!taken.has(id)) return id
  return undefined
}

function within(used: Iterable<number>, range: IdRange): Set<number> {
  return new Set([...used].filter((id) => id >= range.min && id <= range.max))
}

function isFree(id: number, taken: ReadonlySet<number>, range: IdRange): boolean {
  return Number.isInteger(id) && id >= range.min && id <= range.max && !taken.has(id)
}
