import { isColonField } from './colon-table.ts'
import { insertLines, type LineFile, lineFile, parseLines } from './line-file.ts'
import type { SubordinateIdRange } from './login-defs.ts'

/** One range of subuid(5) or subgid(5). */
export interface SubidEntry {
  /** A login name, or a uid in digits. */
  readonly owner: string
  readonly first: number
  readonly count: number
}

/** `/etc/subuid` or `/etc/subgid`; an owner may have several ranges. */
export type SubidFile = LineFile<SubidEntry>

/** Parses any text; lines that are not a range are kept as they are. */
export function parseSubid(text: string): SubidFile {
  return parseLines(text, (body) => {
    const [, owner, first, count] = /^([^#:][^:]*):(\d{1,10}):(\d{1,10})$/.exec(body) ?? []
    return owner === undefined ? undefined : { owner, first: Number(first), count: Number(count) }
  })
}

/**
 * Where the range of a new account starts, as `useradd` chooses: the lowest gap of `range.count` ids. `undefined`: none is left, or the
 * count is 0 (accounts get no subordinate ids).
 */
export function allocateSubid(file: SubidFile, range: SubordinateIdRange): number | undefined {
  if (range.count === 0) return undefined
  let first = range.min
  for (const entry of [...file.entries].sort((a, b) => a.first - b.first)) {
    if (entry.first >= first + range.count) break
    first = Math.max(first, entry.first + entry.count)
  }
  return first + range.count - 1 <= range.max ? first : undefined
}

/** Appends a range; the same file when the owner has exactly this one. Throws `RangeError` for an owner or number that cannot be written. */
export function addSubid(file: SubidFile, entry: SubidEntry): SubidFile {
  const { owner, first, count } = entry
  const numbers = [first, count].every((number) => Number.isSafeInteger(number) && number >= 0 && number < 2 ** 32)
  if (!/^[^#]/.test(owner) || /\r/.test(owner) || !isColonField(owner) || !numbers) {
    throw new RangeError(`subuid(5): cannot be written: ${JSON.stringify(entry)}`)
  }
  if (file.entries.some((other) => other.owner === owner && other.first === first && other.count === count)) return file
  return lineFile(insertLines(file.lines, file.lines.length, [{ text: `${owner}:${first}:${count}\n`, entry }]))
}

/** Removes every range of an owner. None: the same file. */
export function removeSubids(file: SubidFile, owner: string): SubidFile {
  const lines = file.lines.filter((line) => line.entry?.owner !== owner)
  return lines.length === file.lines.length ? file : lineFile(lines)
}
