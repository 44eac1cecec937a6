import { insertLines, type Line, type LineFile, lineEnd, lineFile, splitLines } from './line-file.ts'
import { quoteShellValue, readShellWord, type ShellQuoteStyle } from './shell-quote.ts'

/** One `KEY=value`. */
export interface ShellAssignment {
  readonly key: string
  /** After quote removal; `undefined` when only a running shell could tell (`$HOME`, a backquote). */
  readonly value: string | undefined
  readonly style: ShellQuoteStyle
  /** What stands before the key (`export `) and after the value (white space, a comment). */
  readonly before: string
  readonly after: string
}

/** A file of assignments that a shell or systemd reads: `/etc/default/*`, `/etc/sysconfig/*`, `/etc/locale.conf`, `/etc/vconsole.conf`. */
export type ShellAssignments = LineFile<ShellAssignment>

// A bound on the work that a hostile file full of open quotes can cause.
const maxLinesOfValue = 16

/** True for a name that can be assigned to. */
export function isShellName(key: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(key)
}

/** The assignment at the start of a text, `open` when its value goes on in the next line, `undefined` for anything else. */
function readAssignment(text: string): ShellAssignment | 'open' | undefined {
  const head = /^(\s*(?:export\s+)?)([A-Za-z_][A-Za-z0-9_]*)=/.exec(text)
  if (head === null) return undefined
  const [start, before = '', key = ''] = head
  const rest = text.slice(start.length)
  const word = readShellWord(rest)
  if (word === undefined) return 'open'
  const after = rest.slice(word.length)
  // `A=1 command` assigns for that command only; `A=1; B=2` is more than this model holds.
  if (!/^(\s*|\s+#[^\n]*\n?)$/.test(after)) return undefined
  return { key, value: word.value, style: word.style, before, after: after.replace(/\r?\n$/, '') }
}

/**
 * Parses any text; what is not an assignment stays as it is. A value over several lines (quoted newline, backslash at the end) is one
 * entry, up to 16 lines; a quote that is never closed spoils its own line only.
 */
export function parseShellAssignments(text: string): ShellAssignments {
  const physical = splitLines(text)
  const lines: Line<ShellAssignment>[] = []
  for (let at = 0; at < physical.length; ) {
    let length = 1
    let logical = physical[at] ?? ''
    let read = readAssignment(logical)
    while (read === 'open' && length < maxLinesOfValue && at + length < physical.length) {
      logical += physical[at + length] ?? ''
      length++
      read = readAssignment(logical)
    }
    // Lines that all end in a backslash are one, however long; a quote left open spoils only the line it stands in.
    const joined = read !== 'open' || physical.slice(at, at + length).every((line) => line.endsWith('\\\n'))
    lines.push({ text: joined ? logical : (physical[at] ?? ''), entry: read === 'open' ? undefined : read })
    at += joined ? length : 1
  }
  return lineFile(lines)
}

/** The value a reader of the file ends up with: the last assignment wins. `undefined` when there is none or it is not static. */
export function getShellValue(file: ShellAssignments, key: string): string | undefined {
  return file.entries.findLast((entry) => entry.key === key)?.value
}

/** All static values, the last of each key. */
export function shellValues(file: ShellAssignments): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const { key, value } of file.entries) {
    if (value === undefined) values.delete(key)
    else values.set(key, value)
  }
  return values
}

/**
 * Sets a value: in place of the last assignment, keeping `export`, comment and manner of quoting, or at the end of the file.
 * The same value already in force: the same file. Throws `RangeError` for a bad key or a value that is not {@link isShellValue}.
 * @param style how a new line is quoted
 */
export function setShellValue(file: ShellAssignments, key: string, value: string, style: ShellQuoteStyle = 'bare'): ShellAssignments {
  if (!isShellName(key)) throw new RangeError(`Not a name that a shell can assign to: ${JSON.stringify(key)}`)
  const index = file.lines.findLastIndex((line) => line.entry?.key === key)
  const existing = file.lines[index]
  if (existing?.entry === undefined) {
    const entry: ShellAssignment = { key, value, style, before: '', after: '' }
    return lineFile(insertLines(file.lines, file.lines.length, [{ text: `${key}=${quoteShellValue(value, style)}\n`, entry }]))
  }
  if (existing.entry.value === value) return file
  const { before, after } = existing.entry
  const text = `${before}${key}=${quoteShellValue(value, existing.entry.style)}${after}${lineEnd(existing.text)}`
  return lineFile(file.lines.with(index, { text, entry: { ...existing.entry, value } }))
}

/** Removes every assignment to the key. None: the same file. */
export function unsetShellValue(file: ShellAssignments, key: string): ShellAssignments {
  const lines = file.lines.filter((line) => line.entry?.key !== key)
  return lines.length === file.lines.length ? file : lineFile(lines)
}
