import { isHostname } from './hostname.ts'
import { insertLines, type LineFile, lineFile, parseLines, replaceLine } from './line-file.ts'

/** `/etc/hostname`, hostname(5): one name, `#` comments allowed. */
export type HostnameFile = LineFile<string>

/** Parses any text. Entries are the lines that are neither blank nor comments, white space trimmed; the first counts. */
export function parseHostnameFile(text: string): HostnameFile {
  return parseLines(text, (body) => (/^\s*(#|$)/.test(body) ? undefined : body.trim()))
}

/** The name in force, or `undefined` for a file without one. Not validated: images hold all sorts of things. */
export function getHostname(file: HostnameFile): string | undefined {
  return file.entries[0]
}

/** Sets the name, keeping comments; further names, which nothing reads, go. The same file when it says so already. Throws `RangeError` for a name that is not {@link isHostname}. */
export function setHostname(file: HostnameFile, name: string): HostnameFile {
  if (!isHostname(name)) throw new RangeError(`Not a host name: ${JSON.stringify(name)}`)
  if (file.entries.length === 1 && file.entries[0] === name) return file
  const index = file.lines.findIndex((line) => line.entry !== undefined)
  if (index === -1) return lineFile(insertLines(file.lines, file.lines.length, [{ text: `${name}\n`, entry: name }]))
  const replaced = replaceLine(file.lines, index, name, name)
  return lineFile(replaced.filter((line, at) => at === index || line.entry === undefined))
}
