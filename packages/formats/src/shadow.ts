import { type ColonSyntax, type ColonTable, parseTable } from './colon-table.ts'

/** One account of shadow(5). An absent number is an empty field: that rule is off. */
export interface ShadowEntry {
  readonly name: string
  /** A crypt(5) hash, `!` or `*` in front of it or alone for "no password login", or empty for "no password needed". */
  readonly password: string
  /** Days since 1970-01-01 UTC; 0 forces a change at the next login. */
  readonly lastChangeDay?: number | undefined
  readonly minAgeDays?: number | undefined
  readonly maxAgeDays?: number | undefined
  readonly warnDays?: number | undefined
  readonly inactiveDays?: number | undefined
  /** Days since 1970-01-01 UTC. */
  readonly expireDay?: number | undefined
  /** The ninth field, without a meaning yet. */
  readonly reserved?: string | undefined
}

export type ShadowTable = ColonTable<ShadowEntry>

const numberFields = ['lastChangeDay', 'minAgeDays', 'maxAgeDays', 'warnDays', 'inactiveDays', 'expireDay'] as const

function renderDays(days: number | undefined, field: string): string {
  if (days === undefined) return ''
  if (!Number.isSafeInteger(days)) throw new RangeError(`shadow(5): ${field} must be an integer: ${days}`)
  return String(days)
}

const syntax: ColonSyntax<ShadowEntry> = {
  title: 'shadow(5)',
  parse: (fields) => {
    const [name = '', password = '', ...rest] = fields
    const reserved = rest[6]
    const numbers = rest.slice(0, 6)
    if (fields.length !== 9 || !numbers.every((text) => /^(-?\d{1,15})?$/.test(text))) return undefined
    const days = Object.fromEntries(numberFields.flatMap((field, i) => (numbers[i] ? [[field, Number(numbers[i])]] : [])))
    return { name, password, ...days, ...(reserved ? { reserved } : {}) }
  },
  render: (entry) => ({
    name: entry.name,
    password: entry.password,
    ...Object.fromEntries(numberFields.map((field) => [field, renderDays(entry[field], field)])),
    reserved: entry.reserved ?? '',
  }),
}

/** Parses `/etc/shadow`. Read and change it with `findEntry`, `upsertEntry`, `removeEntry`, `renderLines`. */
export function parseShadow(text: string): ShadowTable {
  return parseTable(syntax, text)
}
