// Quoting of static shell words, sh(1) 2.2: what os-release(5), systemd's EnvironmentFile and /etc/default agree on.

/** How a value stands in the file. */
export type ShellQuoteStyle = 'bare' | 'single' | 'double'

/** True for text that can stand in an assignment: no newline (readers other than a shell stop there), no NUL. */
export function isShellValue(value: string): boolean {
  return !/[\n\r\0]/.test(value)
}

/**
 * Quotes a value for the right side of `KEY=`. `bare` and `single` give way to double quotes where they cannot hold the value.
 * Throws `RangeError` for a value with a newline or NUL, see {@link isShellValue}.
 */
export function quoteShellValue(value: string, style: ShellQuoteStyle = 'bare'): string {
  if (!isShellValue(value)) throw new RangeError('A shell value must not contain a newline or NUL')
  if (style === 'bare' && /^[A-Za-z0-9_.,:/@%+=-]*$/.test(value)) return value
  if (style === 'single' && !value.includes("'")) return `'${value}'`
  return `"${value.replaceAll(/["$\\`]/g, '\\$&')}"`
}

/** A word read from the start of a text. */
export interface ShellWord {
  /** The word after quote removal; `undefined` when a shell would expand something in it (`$`, a backquote, a leading tilde). */
  readonly value: string | undefined
  /** How many characters of the text it takes. */
  readonly length: number
  readonly style: ShellQuoteStyle
}

/**
 * Reads one word; it ends at unquoted white space or a shell operator. `undefined` when a quote is not closed or the text ends in a
 * lone backslash: the word goes on in the next line.
 */
export function readShellWord(text: string): ShellWord | undefined {
  let value = ''
  let dynamic = text.startsWith('~')
  let at = 0
  for (; at < text.length; at++) {
    const char = text.charAt(at)
    if (/[\s;&|<>()]/.test(char)) break
    if (char === "'") {
      const end = text.indexOf("'", at + 1)
      if (end === -1) return undefined
      value += text.slice(at + 1, end)
      at = end
    } else if (char === '"') {
      const quoted = /^"([^"\\]*(?:\\[\s\S][^"\\]*)*)"/.exec(text.slice(at))
      if (quoted?.[1] === undefined) return undefined
      dynamic ||= /(?<!\\)(?:\\\\)*[$`]/.test(quoted[1])
      value += quoted[1].replaceAll(/\\(\n|["$\\`])/g, (_, escaped: string) => (escaped === '\n' ? '' : escaped))
      at += quoted[0].length - 1
    } else if (char === '\\') {
      if (/^\\\n?$/.test(text.slice(at, at + 3))) return undefined
      at++
      if (text.charAt(at) !== '\n') value += text.charAt(at)
    } else {
      dynamic ||= char === '$' || char === '`'
      value += char
    }
  }
  const style = text.startsWith('"') ? 'double' : text.startsWith("'") ? 'single' : 'bare'
  return { value: dynamic ? undefined : value, length: at, style }
}
