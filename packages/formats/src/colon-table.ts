import { insertLines, type Line, type LineFile, lineBody, lineFile, splitLines } from './line-file.ts'

/** How one line of a colon separated account file becomes an entry and back. */
export interface ColonSyntax<Entry> {
  /** For error messages: `passwd(5)`. */
  readonly title: string
  /** The entry, or `undefined` for a line that the C library would not take as one. */
  readonly parse: (fields: readonly string[]) => Entry | undefined
  /** Field names with their text, in file order. */
  readonly render: (entry: Entry) => Readonly<Record<string, string>>
}

/**
 * A colon separated account file. Comments, blank lines, NIS lines (`+`, `-`) and malformed lines are lines without an entry;
 * they survive every change byte for byte.
 */
export interface ColonTable<Entry extends { readonly name: string }> extends LineFile<Entry> {
  readonly syntax: ColonSyntax<Entry>
}

function parseBody<Entry>(syntax: ColonSyntax<Entry>, body: string): Entry | undefined {
  return /^[^#+\-:\s]/.test(body) ? syntax.parse(body.split(':')) : undefined
}

/** Parses any text; there are no errors, only lines without an entry. */
export function parseTable<Entry extends { readonly name: string }>(syntax: ColonSyntax<Entry>, text: string): ColonTable<Entry> {
  // Only the newline goes: a carriage return belongs to the last field for the C library.
  const lines = splitLines(text).map((line) => ({ text: line, entry: parseBody(syntax, line.replace(/\n$/, '')) }))
  return { syntax, ...lineFile(lines) }
}

/** The first entry of that name: the one a lookup by the C library finds. */
export function findEntry<Entry extends { readonly name: string }>(table: ColonTable<Entry>, name: string): Entry | undefined {
  return table.entries.find((entry) => entry.name === name)
}

/** True for text that fits in a field: no colon, no newline, no NUL. */
export function isColonField(text: string): boolean {
  return !/[:\n\0]/.test(text)
}

function renderEntry<Entry>(syntax: ColonSyntax<Entry>, entry: Entry): string {
  const fields = Object.entries(syntax.render(entry))
  for (const [field, text] of fields) {
    if (!isColonField(text)) throw new RangeError(`${syntax.title}: ${field} must not contain a colon, newline or NUL`)
  }
  return fields.map(([, text]) => text).join(':')
}

/**
 * Replaces the first entry of the same name, or adds one: at the end, but before the first NIS line, which would hide it.
 * An equal entry leaves the table as it is, whatever way its line is written.
 * Throws `RangeError` for an entry that cannot be written so that it reads back: a colon or newline in a field, a bad name or number.
 */
export function upsertEntry<Entry extends { readonly name: string }>(table: ColonTable<Entry>, entry: Entry): ColonTable<Entry> {
  const { syntax, lines } = table
  const body = renderEntry(syntax, entry)
  const parsed = parseBody(syntax, body)
  if (parsed?.name !== entry.name) throw new RangeError(`${syntax.title}: not a name that can be written: ${JSON.stringify(entry.name)}`)

  const index = lines.findIndex((line) => line.entry?.name === entry.name)
  const existing = lines[index]
  if (existing?.entry !== undefined) {
    if (renderEntry(syntax, existing.entry) === body) return table
    const text = existing.text.endsWith('\n') ? `${body}\n` : body
    return { syntax, ...lineFile(lines.with(index, { text, entry: parsed })) }
  }
  const nis = lines.findIndex((line) => /^[+-]/.test(line.text))
  const added: Line<Entry> = { text: `${body}\n`, entry: parsed }
  return { syntax, ...lineFile(insertLines(lines, nis === -1 ? lines.length : nis, [added])) }
}

/** Removes every entry of that name: removing only the first would bring a duplicate to life. Absent: the same table. */
export function removeEntry<Entry extends { readonly name: string }>(table: ColonTable<Entry>, name: string): ColonTable<Entry> {
  const lines = table.lines.filter((line) => line.entry?.name !== name)
  return lines.length === table.lines.length ? table : { syntax: table.syntax, ...lineFile(lines) }
}

/** Lines that are neither entries nor comments, blank or NIS lines: what `pwck` would complain about. Without terminators. */
export function malformedLines<Entry extends { readonly name: string }>(table: ColonTable<Entry>): readonly string[] {
  return table.lines.filter(({ text, entry }) => entry === undefined && !/^[#+-]|^\s*$/.test(text)).map(({ text }) => lineBody(text))
}
