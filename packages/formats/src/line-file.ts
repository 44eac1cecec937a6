// The shape all lossless codecs share: a file is its lines, and some lines say something.

/** A line as it stands in the file, its newline included, and what it says; `undefined` for comments, blank and foreign lines. */
export interface Line<Entry> {
  readonly text: string
  readonly entry: Entry | undefined
}

/** A file of lines. Immutable: the functions that change it return a new one, or the same when there is nothing to change. */
export interface LineFile<Entry> {
  readonly lines: readonly Line<Entry>[]
  /** What the lines say, in file order. */
  readonly entries: readonly Entry[]
}

/** Splits after every newline; only the last line may lack its own. The empty text has no lines. */
export function splitLines(text: string): string[] {
  return text === '' ? [] : text.split(/(?<=\n)/)
}

/** A line without what ends it: `\n`, or `\r\n` as editors on other systems leave it. */
export function lineBody(text: string): string {
  return text.replace(/\r?\n$/, '')
}

/** What ends the line: `\n`, `\r\n`, or the empty string for a last line without newline. */
export function lineEnd(text: string): string {
  return /\r?\n$/.exec(text)?.[0] ?? ''
}

export function lineFile<Entry>(lines: readonly Line<Entry>[]): LineFile<Entry> {
  return { lines, entries: lines.flatMap(({ entry }) => (entry === undefined ? [] : [entry])) }
}

/** Applies `parse` to every line, without its terminator. */
export function parseLines<Entry>(text: string, parse: (body: string) => Entry | undefined): LineFile<Entry> {
  return lineFile(splitLines(text).map((line) => ({ text: line, entry: parse(lineBody(line)) })))
}

/** The file's text. For every codec and every text: what was parsed and not changed is rendered byte for byte. */
export function renderLines<Entry>(file: LineFile<Entry>): string {
  return file.lines.map((line) => line.text).join('')
}

/**
 * Puts lines in before `index`; their texts end with a newline. A last line without newline gets one when something follows it,
 * otherwise two lines would melt into one.
 */
export function insertLines<Entry>(lines: readonly Line<Entry>[], index: number, added: readonly Line<Entry>[]): Line<Entry>[] {
  const all = [...lines.slice(0, index), ...added, ...lines.slice(index)]
  return all.map((line, at) => (at < all.length - 1 && !line.text.endsWith('\n') ? { ...line, text: `${line.text}\n` } : line))
}

/** Gives the line at `index` another body; its terminator, or the lack of it, stays. */
export function replaceLine<Entry>(lines: readonly Line<Entry>[], index: number, body: string, entry: Entry | undefined): Line<Entry>[] {
  return lines.with(index, { text: body + lineEnd(lines[index]?.text ?? ''), entry })
}
