import { insertLines, type Line, type LineFile, lineBody, lineEnd, lineFile, splitLines } from './line-file.ts'

/** One meaningful line of a file with sections. */
export type IniEntry =
  | { readonly kind: 'section'; readonly section: string }
  | { readonly kind: 'assignment'; readonly section: string; readonly key: string; readonly value: string }

/** A file of `[Section]`, `Key=value`, comments from `#` or `;`. Keys and sections may repeat. */
export type IniFile = LineFile<IniEntry>

export interface IniOptions {
  /** A backslash at the end of a line continues it, as systemd.syntax(7) has it; NetworkManager's keyfiles have not. */
  readonly continuation: boolean
}

/** Parses any text; lines before the first section have the section `''`. */
export function parseIni(text: string, options: IniOptions): IniFile {
  const physical = splitLines(text)
  const lines: Line<IniEntry>[] = []
  let section = ''
  for (let at = 0; at < physical.length; at++) {
    let raw = physical[at] ?? ''
    let part = lineBody(raw)
    if (/^\s*([#;]|$)/.test(part)) {
      lines.push({ text: raw, entry: undefined })
      continue
    }
    const parts: string[] = []
    while (options.continuation && part.endsWith('\\') && at + 1 < physical.length) {
      at++
      const next = physical[at] ?? ''
      raw += next
      // Comments between the parts of a value are not part of it.
      if (/^\s*[#;]/.test(next)) continue
      parts.push(part.slice(0, -1))
      part = lineBody(next).trimStart()
    }
    const body = [...parts, part].join(' ').trim()
    const heading = /^\[([^\]]+)\]$/.exec(body)?.[1]
    const equals = body.indexOf('=')
    const key = equals > 0 && !/^[[\]]/.test(body) ? body.slice(0, equals).trimEnd() : undefined
    const value = body.slice(equals + 1).trimStart()
    if (heading !== undefined) {
      section = heading
      lines.push({ text: raw, entry: { kind: 'section', section } })
    } else if (key !== undefined) lines.push({ text: raw, entry: { kind: 'assignment', section, key, value } })
    else lines.push({ text: raw, entry: undefined })
  }
  return lineFile(lines)
}

/** Every value of a key in a section, in file order; keys and sections distinguish case. */
export function iniValues(file: IniFile, section: string, key: string): readonly string[] {
  return file.entries.flatMap((entry) => (isKey(entry, section, key) ? [entry.value] : []))
}

/** The names of the sections in file order, each once. */
export function iniSections(file: IniFile): readonly string[] {
  return [...new Set(file.entries.flatMap((entry) => (entry.kind === 'section' ? [entry.section] : [])))]
}

function isKey(entry: IniEntry | undefined, section: string, key: string): entry is IniEntry & { kind: 'assignment' } {
  return entry?.kind === 'assignment' && entry.section === section && entry.key === key
}

function renderAssignment(key: string, value: string): string {
  if (!/^[^\s=[\]#;\0\\]+([ \t]+[^\s=\0\\]+)*$/.test(key)) throw new RangeError(`Not a key: ${JSON.stringify(key)}`)
  if (/[\r\n\0]|\\$|^\s|\s$/.test(value)) throw new RangeError(`Not a value for ${key}: ${JSON.stringify(value)}`)
  return `${key}=${value}\n`
}

function renderHeading(section: string): string {
  if (!/^[^[\]\r\n\0]+$/.test(section)) throw new RangeError(`Not a section: ${JSON.stringify(section)}`)
  return `[${section}]\n`
}

/**
 * Gives a key in a section exactly these values, none to remove it: existing lines are changed in place, more follow the last of them,
 * surplus ones go; a missing key goes to the end of its section, a missing section to the end of the file. Already so: the same file.
 * Throws `RangeError` for a section, key or value that would break its line.
 */
export function setIniValues(file: IniFile, section: string, key: string, values: readonly string[]): IniFile {
  const current = iniValues(file, section, key)
  if (current.length === values.length && current.every((value, i) => value === values[i])) return file
  const wanted = values.map((value) => ({
    text: renderAssignment(key, value),
    entry: { kind: 'assignment', section, key, value } satisfies IniEntry,
  }))
  const heading: Line<IniEntry> = { text: section === '' ? '' : renderHeading(section), entry: { kind: 'section', section } }

  let used = 0
  const lines = file.lines.flatMap((line) => {
    if (!isKey(line.entry, section, key)) return [line]
    const replacement = wanted[used++]
    if (replacement === undefined) return []
    if (replacement.entry.value === line.entry.value) return [line]
    return [{ ...replacement, text: lineBody(replacement.text) + lineEnd(line.text) }]
  })
  const more = wanted.slice(used)
  if (more.length === 0) return lineFile(lines)

  const lastOfKey = lines.findLastIndex((line) => isKey(line.entry, section, key))
  const lastOfSection = lines.findLastIndex((line) => line.entry?.section === section)
  if (lastOfKey !== -1) return lineFile(insertLines(lines, lastOfKey + 1, more))
  if (lastOfSection !== -1 || section === '') return lineFile(insertLines(lines, lastOfSection + 1, more))
  const blank: Line<IniEntry>[] = lines.length === 0 || lineBody(lines.at(-1)?.text ?? '') === '' ? [] : [{ text: '\n', entry: undefined }]
  return lineFile(insertLines(lines, lines.length, [...blank, heading, ...more]))
}

/** A section to render: its name and its assignments; a list stands for the key repeated. */
export interface IniSection {
  readonly section: string
  readonly values: readonly (readonly [key: string, value: string | readonly string[]])[]
}

/** Renders a fresh file, a blank line between sections. Throws `RangeError` like {@link setIniValues}. */
export function renderIni(sections: readonly IniSection[], header = ''): string {
  const blocks = sections.map(({ section, values }) => {
    const lines = values.flatMap(([key, value]) => [value].flat().map((one) => renderAssignment(key, one)))
    return renderHeading(section) + lines.join('')
  })
  return header + blocks.join('\n')
}
