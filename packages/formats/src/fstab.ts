import { insertLines, type LineFile, lineFile, parseLines, replaceLine } from './line-file.ts'

/** One file system of fstab(5), octal escapes decoded. */
export interface FstabEntry {
  /** `UUID=...`, `LABEL=...`, `PARTUUID=...`, `/dev/...`, `tmpfs`, `host:/export`. */
  readonly source: string
  /** The mount point; `none` for swap. */
  readonly target: string
  /** `ext4`, `swap`, `auto`, several separated by commas. */
  readonly type: string
  /** Without `defaults`-filling: as written, split at commas outside quotes. */
  readonly options: readonly string[]
  /** Field 5; 0 when absent. */
  readonly dump: number
  /** Field 6, the order of fsck at boot; 0 (no check) when absent. */
  readonly pass: number
}

export type Fstab = LineFile<FstabEntry>

function decodeField(text: string): string {
  return text.replaceAll(/\\([0-3][0-7]{2})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}

function encodeField(text: string, field: string): string {
  if (text === '' || /[\r\n\0]/.test(text)) throw new RangeError(`fstab(5): ${field} cannot be written: ${JSON.stringify(text)}`)
  return text.replaceAll(/[ \t\\]|^#/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`)
}

function parseEntry(body: string): FstabEntry | undefined {
  if (/^\s*(#|$)/.test(body)) return undefined
  const words = body.trim().split(/[ \t]+/)
  const comment = words.findIndex((word, at) => at >= 3 && word.startsWith('#'))
  const fields = comment === -1 ? words : words.slice(0, comment)
  const [source, target, type, options = 'defaults', dump = '0', pass = '0'] = fields
  if (source === undefined || target === undefined || type === undefined || !/^\d+$/.test(dump) || !/^\d+$/.test(pass)) return undefined
  return {
    source: decodeField(source),
    target: decodeField(target),
    type: decodeField(type),
    options: decodeField(options).match(/(?:"[^"]*"|[^,"]|")+/g) ?? [],
    dump: Number(dump),
    pass: Number(pass),
  }
}

function renderFields(entry: FstabEntry): string[] {
  const { source, target, type, options, dump, pass } = entry
  if (!Number.isSafeInteger(dump) || dump < 0 || !Number.isSafeInteger(pass) || pass < 0) {
    throw new RangeError(`fstab(5): dump and pass are integers from 0: ${dump} ${pass}`)
  }
  return [
    encodeField(source, 'source'),
    encodeField(target, 'target'),
    encodeField(type, 'type'),
    encodeField(options.join(',') || 'defaults', 'options'),
    String(dump),
    String(pass),
  ]
}

const same = (a: FstabEntry, b: FstabEntry) => renderFields(a).join(' ') === renderFields(b).join(' ')

const mountPoint = (entry: FstabEntry) => entry.target.replace(/(.)\/+$/, '$1')

/** What an entry is about: its mount point, or its source where it has none (swap). */
const subject = (entry: FstabEntry) => (entry.target.startsWith('/') ? mountPoint(entry) : `source ${entry.source}`)

/** Parses `/etc/fstab`. Lines with fewer than three fields are kept and not understood; `mount` ignores them, too. */
export function parseFstab(text: string): Fstab {
  return parseLines(text, parseEntry)
}

/** The first entry for a mount point: the one `mount` takes. */
export function findMount(fstab: Fstab, target: string): FstabEntry | undefined {
  return fstab.entries.find((entry) => mountPoint(entry) === target)
}

/**
 * Replaces the first entry for the same mount point (for swap: the same source), or appends one. An equal entry: the same file.
 * Throws `RangeError` for a field that is empty or holds a newline.
 */
export function upsertMount(fstab: Fstab, entry: FstabEntry): Fstab {
  const body = renderFields(entry).join(' ')
  const index = fstab.lines.findIndex((line) => line.entry !== undefined && subject(line.entry) === subject(entry))
  const existing = fstab.lines[index]?.entry
  if (existing === undefined) return lineFile(insertLines(fstab.lines, fstab.lines.length, [{ text: `${body}\n`, entry }]))
  return same(existing, entry) ? fstab : lineFile(replaceLine(fstab.lines, index, body, entry))
}

/** Removes every entry for a mount point. None: the same file. */
export function removeMount(fstab: Fstab, target: string): Fstab {
  const lines = fstab.lines.filter(({ entry }) => entry === undefined || mountPoint(entry) !== target)
  return lines.length === fstab.lines.length ? fstab : lineFile(lines)
}
