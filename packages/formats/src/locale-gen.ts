import { insertLines, type LineFile, lineFile, parseLines, replaceLine } from './line-file.ts'
import type { LocaleGenEntry } from './locale-name.ts'

/** A locale that is generated, or one that the file offers behind a `#`. */
export interface LocaleGenLine extends LocaleGenEntry {
  readonly enabled: boolean
}

/** `/etc/locale.gen`, locale.gen(5). */
export type LocaleGen = LineFile<LocaleGenLine>

/** Parses any text; prose comments stay as they are. */
export function parseLocaleGen(text: string): LocaleGen {
  return parseLines(text, (body) => {
    const [, hash, locale, charmap] = /^(#?)\s*([A-Za-z][\w.@-]*)\s+([A-Z][A-Z0-9-]+)$/.exec(body.trim()) ?? []
    return locale === undefined || charmap === undefined ? undefined : { locale, charmap, enabled: hash === '' }
  })
}

/** The locales that are generated. */
export function enabledLocales(file: LocaleGen): readonly LocaleGenEntry[] {
  return file.entries.filter((entry) => entry.enabled).map(({ locale, charmap }) => ({ locale, charmap }))
}

/** Takes the `#` from the locale's line, or appends one. Enabled already: the same file. Throws `RangeError` for a name that would break the line. */
export function enableLocale(file: LocaleGen, { locale, charmap }: LocaleGenEntry): LocaleGen {
  const entry: LocaleGenLine = { locale, charmap, enabled: true }
  const body = `${locale} ${charmap}`
  const { lines } = parseLocaleGen(body)
  if (lines.length !== 1 || lines[0]?.entry?.locale !== locale || lines[0].entry.charmap !== charmap)
    throw new RangeError(`locale.gen(5): cannot be written: ${JSON.stringify(body)}`)
  const isIt = (other: LocaleGenLine | undefined) => other?.locale === locale && other.charmap === charmap
  if (file.entries.some((other) => other.enabled && isIt(other))) return file
  const index = file.lines.findIndex((line) => isIt(line.entry))
  if (index !== -1) return lineFile(replaceLine(file.lines, index, body, entry))
  return lineFile(insertLines(file.lines, file.lines.length, [{ text: `${body}\n`, entry }]))
}
