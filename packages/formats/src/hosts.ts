import { isIP } from 'node:net'
import { insertLines, type LineFile, lineFile, parseLines, replaceLine } from './line-file.ts'

/** One line of hosts(5). */
export interface HostsEntry {
  readonly address: string
  /** The canonical name first, then aliases. */
  readonly names: readonly string[]
  /** What stands between address and names, before the address, and after the names (a comment): kept when the names change. */
  readonly before: string
  readonly separator: string
  readonly after: string
}

export type HostsFile = LineFile<HostsEntry>

function parseEntry(body: string): HostsEntry | undefined {
  const hash = body.indexOf('#')
  const said = (hash === -1 ? body : body.slice(0, hash)).trimEnd()
  const [head, before = '', address, separator = ''] = /^(\s*)(\S+)(\s+)/.exec(said) ?? []
  if (head === undefined || address === undefined) return undefined
  return { address, names: said.slice(head.length).split(/\s+/), before, separator, after: body.slice(said.length) }
}

/** Parses `/etc/hosts`. Any text: what is not an address with names is kept as it is. */
export function parseHosts(text: string): HostsFile {
  return parseLines(text, parseEntry)
}

/** The names of an address, of all its lines, canonical name first. Empty when it has none. */
export function hostNamesOf(hosts: HostsFile, address: string): readonly string[] {
  return hosts.entries.filter((entry) => entry.address === address).flatMap((entry) => entry.names)
}

/** The addresses a name stands for, in file order. Names are compared without regard to case. */
export function addressesOf(hosts: HostsFile, name: string): readonly string[] {
  const wanted = name.toLowerCase()
  return hosts.entries.filter((entry) => entry.names.some((other) => other.toLowerCase() === wanted)).map((entry) => entry.address)
}

/**
 * Makes these the names on the first line of an address; further lines of that address stay. A new line goes after the last one of an
 * address that starts alike (`127.0.1.1` after `127.0.0.1`), else to the end. Already so: the same file.
 * Throws `RangeError` for something that is not an address, for no names, for a name with white space or `#`.
 */
export function setHostNames(hosts: HostsFile, address: string, names: readonly string[]): HostsFile {
  if (isIP(address) === 0) throw new RangeError(`Not an IP address: ${JSON.stringify(address)}`)
  const bad = names.find((name) => !/^[^\s#\0]+$/.test(name))
  if (names.length === 0 || bad !== undefined) throw new RangeError(`hosts(5): not a list of names: ${JSON.stringify(names)}`)

  const index = hosts.lines.findIndex((line) => line.entry?.address === address)
  const existing = hosts.lines[index]?.entry
  if (existing !== undefined) {
    if (existing.names.length === names.length && existing.names.every((name, i) => name === names[i])) return hosts
    const entry = { ...existing, names }
    const body = `${entry.before}${address}${entry.separator}${names.join(' ')}${entry.after}`
    return lineFile(replaceLine(hosts.lines, index, body, entry))
  }
  const network = isIP(address) === 4 ? address.replace(/\.\d+\.\d+$/, '.') : undefined
  const neighbour = network === undefined ? -1 : hosts.lines.findLastIndex((line) => line.entry?.address.startsWith(network))
  const separator = hosts.lines[neighbour]?.entry?.separator ?? '\t'
  const entry: HostsEntry = { address, names, before: '', separator, after: '' }
  const at = neighbour === -1 ? hosts.lines.length : neighbour + 1
  return lineFile(insertLines(hosts.lines, at, [{ text: `${address}${separator}${names.join(' ')}\n`, entry }]))
}

/** Removes every line of an address. None: the same file. */
export function removeHostAddress(hosts: HostsFile, address: string): HostsFile {
  const lines = hosts.lines.filter((line) => line.entry?.address !== address)
  return lines.length === hosts.lines.length ? hosts : lineFile(lines)
}
