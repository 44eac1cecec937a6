import { type Line, type LineFile, lineBody, lineFile, splitLines } from './line-file.ts'

/** One option line of a stanza: `address 192.0.2.5/24`. Names may repeat (`up`). */
export interface InterfacesOption {
  readonly name: string
  readonly value: string
}

/** One stanza of interfaces(5). */
export type InterfacesStanza =
  | {
      readonly kind: 'iface'
      readonly name: string
      /** `inet`, `inet6`; `undefined` where ifupdown2 and newer versions allow to leave it out. */
      readonly family: string | undefined
      /** `static`, `dhcp`, `manual`, `loopback`, `auto`; `undefined` as above. */
      readonly method: string | undefined
      readonly options: readonly InterfacesOption[]
    }
  /** `auto`, `allow-hotplug`: which interfaces come up, and when. */
  | { readonly kind: 'allow'; readonly keyword: string; readonly names: readonly string[] }
  /** More files to read. Relative patterns start at the file's own directory. */
  | { readonly kind: 'source'; readonly keyword: 'source' | 'source-directory'; readonly pattern: string }
  /** `mapping`, `rename`, `no-scripts` and whatever else, with its lines. */
  | { readonly kind: 'other'; readonly keyword: string; readonly value: string; readonly options: readonly InterfacesOption[] }

/** `/etc/network/interfaces`: each line of the model is a whole stanza with the comments inside it, or a run of text before the first. */
export type InterfacesFile = LineFile<InterfacesStanza>

const stanzaStart = /^(iface|mapping|auto|allow-\S+|source|source-directory|rename|no-auto-down|no-scripts|template)$/

/** Joins physical lines that end in a backslash. */
function logicalLines(text: string): { readonly raw: string; readonly body: string }[] {
  const logical: { raw: string; body: string }[] = []
  let open: { raw: string; body: string } | undefined
  for (const raw of splitLines(text)) {
    const body = lineBody(raw)
    // A comment goes to the end of its line, backslash or not, unless it is itself inside a continued line.
    const continues = body.endsWith('\\') && (open !== undefined || !/^\s*#/.test(body))
    const part = continues ? body.slice(0, -1) : body
    if (open === undefined) {
      open = { raw, body: part }
      logical.push(open)
    } else {
      open.raw += raw
      open.body += part
    }
    if (!continues) open = undefined
  }
  return logical
}

/** A stanza still being read. */
type OpenStanza = InterfacesStanza & { readonly options?: InterfacesOption[] }

function startStanza(keyword: string, value: string): OpenStanza {
  const words = value.split(/\s+/).filter(Boolean)
  if (keyword === 'iface') {
    const [name = '', family, method] = words
    return { kind: 'iface', name, family, method, options: [] }
  }
  if (keyword === 'source' || keyword === 'source-directory') return { kind: 'source', keyword, pattern: value }
  if (keyword === 'auto' || keyword.startsWith('allow-')) return { kind: 'allow', keyword, names: words }
  return { kind: 'other', keyword, value, options: [] }
}

/** Parses any text. Options before the first stanza and comments belong to no stanza's model, but stay in the text. */
export function parseInterfaces(text: string): InterfacesFile {
  const stanzas: Line<InterfacesStanza>[] = []
  let current: Line<OpenStanza> | undefined
  for (const { raw, body } of logicalLines(text)) {
    const keyword = /^[^\s#]\S*/.exec(body.trim())?.[0]
    const value = body
      .trim()
      .slice(keyword?.length ?? 0)
      .trimStart()
    if (keyword !== undefined && stanzaStart.test(keyword)) {
      if (current !== undefined) stanzas.push(current)
      current = { text: raw, entry: startStanza(keyword, value) }
      continue
    }
    const stanza = current?.entry
    if (stanza !== undefined && 'options' in stanza && keyword !== undefined) stanza.options.push({ name: keyword, value })
    current = { text: (current?.text ?? '') + raw, entry: stanza }
  }
  if (current !== undefined) stanzas.push(current)
  return lineFile(stanzas)
}

/** The interfaces that have an `iface` stanza, each once, in file order. */
export function configuredInterfaces(file: InterfacesFile): readonly string[] {
  return [...new Set(file.entries.flatMap((stanza) => (stanza.kind === 'iface' ? [stanza.name] : [])))]
}

function word(text: string): string {
  if (!/^[^\s\0\\]+$/.test(text)) throw new RangeError(`interfaces(5): not a word: ${JSON.stringify(text)}`)
  return text
}

function rest(text: string): string {
  if (/[\r\n\0]|\\$/.test(text)) throw new RangeError(`interfaces(5): cannot be written: ${JSON.stringify(text)}`)
  return text
}

function renderStanza(stanza: InterfacesStanza): string {
  const line = (...words: readonly string[]) => `${words.filter(Boolean).join(' ')}\n`
  const options = (list: readonly InterfacesOption[]) => list.map(({ name, value }) => `    ${line(word(name), rest(value))}`).join('')
  switch (stanza.kind) {
    case 'iface': {
      const { name, family, method } = stanza
      return line('iface', word(name), family ? word(family) : '', method ? word(method) : '') + options(stanza.options)
    }
    case 'allow':
      return line(word(stanza.keyword), ...stanza.names.map(word))
    case 'source':
      return line(stanza.keyword, rest(stanza.pattern))
    case 'other':
      return line(word(stanza.keyword), rest(stanza.value)) + options(stanza.options)
  }
}

/** A blank line sets stanzas apart, but `auto` stays with its `iface`, and lines of one sort stay together. */
function needsGap(stanza: InterfacesStanza, previous: InterfacesStanza): boolean {
  return previous.kind !== 'allow' && (stanza.kind === 'iface' || stanza.kind !== previous.kind)
}

/** Renders a fresh file. Throws `RangeError` for text that would break a line. */
export function renderInterfaces(stanzas: readonly InterfacesStanza[], header = ''): string {
  const blocks = stanzas.map((stanza, i) => {
    const previous = stanzas[i - 1]
    const gap = previous === undefined ? header !== '' : needsGap(stanza, previous)
    return (gap ? '\n' : '') + renderStanza(stanza)
  })
  return header + blocks.join('')
}
