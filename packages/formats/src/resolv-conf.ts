import { lineBody, splitLines } from './line-file.ts'

/** resolv.conf(5). */
export interface ResolvConf {
  /** Addresses in order of preference; the C library asks the first three. */
  readonly nameservers: readonly string[]
  /** Search domains; of several `search` and `domain` lines the last counts. */
  readonly search: readonly string[]
  /** `ndots:2`, `rotate`, `edns0`. */
  readonly options: readonly string[]
}

/** Parses any text; other lines and comments (`#`, `;` in the first column) are passed over. */
export function parseResolvConf(text: string): ResolvConf {
  const nameservers: string[] = []
  const options: string[] = []
  let search: string[] = []
  for (const line of splitLines(text)) {
    const [keyword, ...values] = lineBody(line).trimEnd().split(/\s+/)
    if (keyword === 'nameserver' && values[0] !== undefined) nameservers.push(values[0])
    else if (keyword === 'domain') search = values.slice(0, 1)
    else if (keyword === 'search') search = values
    else if (keyword === 'options') options.push(...values)
  }
  return { nameservers, search, options }
}

/** Renders a fresh file. Throws `RangeError` for a value that is empty or holds white space. */
export function renderResolvConf(conf: ResolvConf, header = ''): string {
  const bad = [...conf.nameservers, ...conf.search, ...conf.options].find((word) => !/^[^\s\0]+$/.test(word))
  if (bad !== undefined) throw new RangeError(`resolv.conf(5): cannot be written: ${JSON.stringify(bad)}`)
  const lines = conf.nameservers.map((address) => `nameserver ${address}`)
  if (conf.search.length > 0) lines.push(`search ${conf.search.join(' ')}`)
  if (conf.options.length > 0) lines.push(`options ${conf.options.join(' ')}`)
  return header + lines.map((line) => `${line}\n`).join('')
}
