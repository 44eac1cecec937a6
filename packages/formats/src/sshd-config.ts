import { insertLines, type Line, type LineFile, lineFile, parseLines, replaceLine } from './line-file.ts'

/** One directive of sshd_config(5). */
export interface SshdDirective {
  /** Lower case: keywords do not distinguish case. */
  readonly keyword: string
  /** Arguments after unquoting, the comment at the end left out. */
  readonly args: readonly string[]
}

/** `/etc/ssh/sshd_config` or a file it includes. */
export type SshdConfig = LineFile<SshdDirective>

// Each line of these adds to the others; for every other keyword the first one wins.
const cumulative = new Set(
  'acceptenv allowgroups allowusers denygroups denyusers hostcertificate hostkey include listenaddress match port subsystem'.split(' '),
)

/** True for a keyword of which the first value counts, so that {@link setSshdValue} makes sense. */
export function isSingleSshdKeyword(keyword: string): boolean {
  return /^[A-Za-z0-9]+$/.test(keyword) && !cumulative.has(keyword.toLowerCase())
}

function splitArgs(text: string): string[] {
  const words = text.match(/"[^"]*"|[^\s"#][^\s"]*|#.*/g) ?? []
  const end = words.findIndex((word) => word.startsWith('#'))
  return (end === -1 ? words : words.slice(0, end)).map((word) => word.replace(/^"(.*)"$/, '$1'))
}

/** Parses any text; what is no directive stays as it is. */
export function parseSshdConfig(text: string): SshdConfig {
  return parseLines(text, (body) => {
    const [, keyword, rest = ''] = /^\s*([A-Za-z][A-Za-z0-9]*)(?:\s*=\s*|\s+|$)(.*)$/s.exec(body) ?? []
    return keyword === undefined ? undefined : { keyword: keyword.toLowerCase(), args: splitArgs(rest) }
  })
}

/** The directives before the first `Match`: those for everybody. */
export function globalSshdDirectives(config: SshdConfig): readonly SshdDirective[] {
  const match = config.entries.findIndex((entry) => entry.keyword === 'match')
  return match === -1 ? config.entries : config.entries.slice(0, match)
}

/** The patterns of the global `Include` lines, in order; relative ones are below `/etc/ssh`. Files of one pattern are read in lexical order. */
export function sshdIncludes(config: SshdConfig): readonly string[] {
  return globalSshdDirectives(config).flatMap(({ keyword, args }) => (keyword === 'include' ? args : []))
}

/**
 * The value that holds outside `Match` blocks: the arguments of the first such line joined by spaces, looking into included files where
 * they are included. `undefined`: sshd's default.
 * @param readInclude gives the files of an `Include` pattern in the order sshd reads them; without it includes are passed over
 */
export function globalSshdValue(
  config: SshdConfig,
  keyword: string,
  readInclude: (pattern: string) => readonly SshdConfig[] = () => [],
): string | undefined {
  return lookup(config, keyword.toLowerCase(), readInclude, 16)
}

function lookup(
  config: SshdConfig,
  keyword: string,
  readInclude: (pattern: string) => readonly SshdConfig[],
  depth: number,
): string | undefined {
  if (depth === 0) return undefined // sshd gives up at this depth, too
  for (const directive of globalSshdDirectives(config)) {
    if (directive.keyword === keyword) return directive.args.join(' ')
    if (directive.keyword !== 'include') continue
    for (const included of directive.args.flatMap(readInclude)) {
      const value = lookup(included, keyword, readInclude, depth - 1)
      if (value !== undefined) return value
    }
  }
  return undefined
}

export interface SetSshdOptions {
  /** The line must also win over included files: it goes before the first `Include`. Default false. */
  readonly beforeIncludes?: boolean
}

/**
 * Sets a keyword for everybody: changes the first line of it before any `Match`; else adds one after its commented-out default, else
 * before the first `Match` or at the end. The value already in force in this file: the same file.
 * Throws `RangeError` for a keyword that is not {@link isSingleSshdKeyword} or a value that is empty or has more than one line.
 * @param value the arguments as written in the file, quotes included
 */
export function setSshdValue(config: SshdConfig, keyword: string, value: string, options: SetSshdOptions = {}): SshdConfig {
  if (!isSingleSshdKeyword(keyword)) throw new RangeError(`Not a keyword with one value: ${JSON.stringify(keyword)}`)
  if (value.trim() === '' || /[\r\n\0]/.test(value)) throw new RangeError(`Not a value for ${keyword}: ${JSON.stringify(value)}`)
  const entry: SshdDirective = { keyword: keyword.toLowerCase(), args: splitArgs(value) }
  const body = `${keyword} ${value.trim()}`
  const { lines } = config

  const match = lines.findIndex((line) => line.entry?.keyword === 'match')
  const globalEnd = match === -1 ? lines.length : match
  const include = options.beforeIncludes ? lines.findIndex((line) => line.entry?.keyword === 'include') : -1
  const end = include === -1 || include > globalEnd ? globalEnd : include

  const index = lines.slice(0, end).findIndex((line) => line.entry?.keyword === entry.keyword)
  const existing = lines[index]?.entry
  if (existing !== undefined) {
    if (existing.args.join(' ') === entry.args.join(' ')) return config
    return lineFile(replaceLine(lines, index, body, entry))
  }
  const added: Line<SshdDirective> = { text: `${body}\n`, entry }
  const comment = lines.slice(0, end).findIndex((line) => new RegExp(`^#\\s*${keyword}\\s`, 'i').test(line.text))
  return lineFile(insertLines(lines, comment === -1 ? end : comment + 1, [added]))
}
