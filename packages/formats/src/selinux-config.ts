import { insertLines, type LineFile, lineFile, parseLines, replaceLine } from './line-file.ts'

/** `/etc/selinux/config`: the values of its `SELINUX=` lines, of which libselinux takes the first that it knows. */
export type SelinuxConfig = LineFile<string>

const modes: readonly string[] = ['enforcing', 'permissive', 'disabled']

/** Parses any text; what is no `SELINUX=` line stays as it is. The name has to start the line, as libselinux wants it. */
export function parseSelinuxConfig(text: string): SelinuxConfig {
  return parseLines(text, (body) => /^SELINUX=\s*(\S*)/.exec(body)?.[1]?.toLowerCase())
}

/** The mode that holds at boot, `undefined` when the file says none. */
export function selinuxMode(config: SelinuxConfig): string | undefined {
  return config.entries.find((value) => modes.includes(value))
}

/** Changes the line that counts, else the first `SELINUX=` line, else adds one. The mode in force already: the same file. */
export function setSelinuxMode(config: SelinuxConfig, mode: 'enforcing' | 'permissive' | 'disabled'): SelinuxConfig {
  const { lines } = config
  const current = selinuxMode(config)
  if (current === mode) return config
  const index = lines.findIndex(({ entry }) => entry !== undefined && (current === undefined || entry === current))
  const body = `SELINUX=${mode}`
  if (index === -1) return lineFile(insertLines(lines, lines.length, [{ text: `${body}\n`, entry: mode }]))
  return lineFile(replaceLine(lines, index, body, mode))
}
