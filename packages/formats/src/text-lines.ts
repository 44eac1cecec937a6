// The ground all lossless codecs stand on: a text is its lines, each with the newline that ends it.

/** Lines of a text, terminators included; only the last one may lack its newline. Joining them gives the text back. */
export type TextLines = readonly string[]

/** Splits after every newline. The empty text has no lines. */
export function splitLines(text: string): string[] {
  return text === '' ? [] : text.split(/(?<=\n)/)
}

/** A line without its terminator: `\n`, or `\r\n` as editors on other systems leave it. */
export function lineBody(line: string): string {
  return line.replace(/\r?\n$/, '')
}

/** What ends the line: `\n`, `\r\n`, or the empty string for a last line without newline. */
export function lineEnd(line: string): string {
  return /\r?\n$/.exec(line)?.[0] ?? ''
}

/**
 * Puts lines (terminators included) in at `index`. A last line without newline gets one when something comes after it,
 * otherwise two lines would melt into one.
 */
export function insertLines(lines: TextLines, index: number, added: TextLines): string[] {
  const all = [...lines.slice(0, index), ...added, ...lines.slice(index)]
  return all.map((line, at) => (at < all.length - 1 && !line.endsWith('\n') ? `${line}\n` : line))
}

/** Appends lines, terminators included. */
export function appendLines(lines: TextLines, ...added: string[]): string[] {
  return insertLines(lines, lines.length, added)
}
