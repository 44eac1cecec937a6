import type { FileEntry } from './config-file.ts'

const assignment = /^\s*([A-Za-z][\w-]*)\s*=\s*(.*?)\s*$/

/**
 * The older form of host.conf, which the platform's programs try when a file is no YAML: `key = value` lines, `#` comments, `[section]` lines without
 * meaning, lists as `[a, b]` or `(a, b)`, values quoted or not. `undefined` when the text is not in that form. Pure.
 */
export function keyValueLines(text: string): readonly FileEntry[] | undefined {
  const entries = new Map<string, FileEntry>()
  for (const [index, written] of text.split('\n').entries()) {
    const line = written.replace(/#.*$/, '')
    if (line.trim() === '' || line.trimStart().startsWith('[')) continue
    const [, key, value] = assignment.exec(line) ?? []
    if (key === undefined || value === undefined) return undefined
    const name = key.replaceAll('-', '_')
    entries.delete(name)
    entries.set(name, { name, line: index + 1, value: () => parseValue(value), lineOf: () => index + 1 })
  }
  return [...entries.values()]
}

function parseValue(text: string): unknown {
  if (!/^[[(].*[\])]$/.test(text)) return unquote(text)
  return text
    .slice(1, -1)
    .split(/[,\s]+/)
    .filter((item) => item !== '')
    .map(unquote)
}

const unquote = (text: string) => /^(["'])(.*)\1$/.exec(text)?.[2] ?? text
