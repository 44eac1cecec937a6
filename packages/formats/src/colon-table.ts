import { insertLines, lineBody, splitLines } from './text-lines.ts'

/** How one line of a colon separated account file becomes an entry and back. */
export interface ColonSyntax<Entry> {
  /** For error messages: `passwd(5)`. */
  readonly title: string
  /** The entry, or `undefined` for a line that the C library would not take as one. */
  readonly parse: (fields: readonly string[]) => Entry | undefined
  /** Field names with their text, in file order. */
  readonly render: (entry: Entry) => Readonly<Record<string, string>>
}

/** A line as it stands in the file, newline included, and what it says when it is well formed. */
export interface ColonLine<Entry> {
  readonly text: string
  readonly entry: Entry | undefined
}

/**
 * A colon separated account file. Immutable: changes return a new table. Comments, blank lines, NIS lines (`+`, `-`) and malformed
 * lines are lines without an entry; they survive every change byte for byte.
 */
export interface ColonTable<Entry extends { readonly name: string }> {
  readonly syntax: ColonSyntax<Entry>
  readonly lines: readonly ColonLine<Entry>[]
  /** The well formed entries in file order, duplicates included. */
  readonly entries: readonly Entry[]
}

function parseLine<Entry>(syntax: ColonSyntax<Entry>, text: string): ColonLine<Entry> {
  // Not lineBody(): a carriage return belongs to the last field for the C library.
  const body = text.replace(/\n$/, '')
  if (!/^[^#+\-:\s]/.test(body)) return { text, entry: undefined }
  return { text, entry: syntax.parse(body.split(':')) }
}

function makeTable<Entry extends { readonly name: string }>(
  syntax: ColonSyntax<Entry>,
  lines: readonly ColonLine<Entry>[],
): ColonTable<Entry> {
  return { syntax, lines, entries: lines.flatMap(({ entry }) => (entry === undefined ? [] : [entry])) }
}

/** Parses any text; there are no errors, only lines without an entry. */
export function parseTable<Entry extends { readonly name: string }>(syntax: ColonSyntax<Entry>, text: string): ColonTable<Entry> {
  return makeTable(
    syntax,
    splitLines(text).map((line) => parseLine(syntax, line)),
  )
}

/** The file's text. `renderTable(parseX(text)) === text` for every text. */
export function renderTable<Entry extends { readonly name: string }>(table: ColonTable<Entry>): string {
  return table.lines.map((line) => line.text).join('')
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
  const parsed = parseLine(syntax, `${body}\n`)
  if (parsed.entry?.name !== entry.name) throw new RangeError(`${syntax.title}: not a valid entry: name ${JSON.stringify(entry.name)}`)

  const index = lines.findIndex((line) => line.entry?.name === entry.name)
  const existing = lines[index]
  if (existing?.entry !== undefined) {
    if (renderEntry(syntax, existing.entry) === body) return table
    const replaced = existing.text.endsWith('\n') ? parsed : { ...parsed, text: body }
    return makeTable(syntax, lines.with(index, replaced))
  }
  const nis = lines.findIndex((line) => /^[+-]/.test(line.text))
  const at = nis === -1 ? lines.length : nis
  const texts = insertLines(
    lines.map((line) => line.text),
    at,
    [parsed.text],
  )
  const entries = [...lines.slice(0, at), parsed, ...lines.slice(at)]
  return makeTable(
    syntax,
    texts.map((text, i) => ({ text, entry: entries[i]?.entry })),
  )
}

/** Removes every entry of that name: removing only the first would bring a duplicate to life. Absent: the same table. */
export function removeEntry<Entry extends { readonly name: string }>(table: ColonTable<Entry>, name: string): ColonTable<Entry> {
  const lines = table.lines.filter((line) => line.entry?.name !== name)
  return lines.length === table.lines.length ? table : makeTable(table.syntax, lines)
}

/** Lines that are neither entries nor comments, blank or NIS lines: what `pwck` would complain about. Without terminators. */
export function malformedLines<Entry extends { readonly name: string }>(table: ColonTable<Entry>): readonly string[] {
  return table.lines.filter(({ text, entry }) => entry === undefined && !/^[#+-]|^\s*$/.test(text)).map(({ text }) => lineBody(text))
}
