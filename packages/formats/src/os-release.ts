import { lineBody, splitLines } from './line-file.ts'
import { readShellWord } from './shell-quote.ts'

/** os-release(5). Fields that a file lacks or leaves empty are `undefined`, but for the two that have a default. */
export interface OsRelease {
  /** `ID`, lower case; `linux` where the file has none. */
  readonly id: string
  /** `ID_LIKE`, closest relative first. */
  readonly idLike: readonly string[]
  /** `NAME`, `Linux` where the file has none. */
  readonly name: string
  readonly prettyName: string | undefined
  /** `VERSION_ID`: `12`, `24.04`; rolling and testing distributions have none. */
  readonly versionId: string | undefined
  readonly version: string | undefined
  /** `VERSION_CODENAME`: `bookworm`. */
  readonly versionCodename: string | undefined
  readonly variantId: string | undefined
  /** Every field by its name in the file, the last of each. */
  readonly fields: ReadonlyMap<string, string>
}

/** `/etc/lsb-release`, the `DISTRIB_*` fields: older than os-release, written by Ubuntu and its relatives. */
export interface LsbRelease {
  readonly distributorId: string | undefined
  readonly release: string | undefined
  readonly codename: string | undefined
  readonly description: string | undefined
}

/**
 * Lenient where real files are: an unquoted value with spaces is taken whole, a `$` for itself, for nothing expands it here.
 */
function parseFields(text: string): Map<string, string> {
  const fields = new Map<string, string>()
  for (const line of splitLines(text)) {
    const [, key, raw] = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(lineBody(line).trimEnd()) ?? []
    if (key === undefined || raw === undefined) continue
    const word = readShellWord(raw)
    const whole = word?.value !== undefined && /^\s*(#.*)?$/.test(raw.slice(word.length))
    fields.set(key, whole ? (word.value ?? raw) : raw.replace(/^(["'])(.*)\1$/, '$2'))
  }
  return fields
}

/** Parses `/etc/os-release` or `/usr/lib/os-release`. Any text: what is not a field is skipped. */
export function parseOsRelease(text: string): OsRelease {
  const fields = parseFields(text)
  const field = (name: string) => fields.get(name) || undefined
  return {
    id: field('ID')?.toLowerCase() ?? 'linux',
    idLike: (field('ID_LIKE') ?? '').toLowerCase().split(/\s+/).filter(Boolean),
    name: field('NAME') ?? 'Linux',
    prettyName: field('PRETTY_NAME'),
    versionId: field('VERSION_ID'),
    version: field('VERSION'),
    versionCodename: field('VERSION_CODENAME'),
    variantId: field('VARIANT_ID'),
    fields,
  }
}

/** Parses `/etc/lsb-release`. Any text: what is not a field is skipped. */
export function parseLsbRelease(text: string): LsbRelease {
  const fields = parseFields(text)
  const field = (name: string) => fields.get(name) || undefined
  return {
    distributorId: field('DISTRIB_ID'),
    release: field('DISTRIB_RELEASE'),
    codename: field('DISTRIB_CODENAME'),
    description: field('DISTRIB_DESCRIPTION'),
  }
}
