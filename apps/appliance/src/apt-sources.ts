import { ConfigError } from '@host-deployer/driver-api'

/** One stanza of a deb822 source, or one line of a one-line source, reduced to what another suite of the same mirror needs. */
export interface AptSource {
  readonly uris: readonly string[]
  readonly suites: readonly string[]
  readonly components: readonly string[]
  /** `Signed-By` as written: paths, fingerprints, or a key block. Absent: apt's trusted keys. */
  readonly signedBy?: string
  /** `Trusted: yes` or `[trusted=yes]`: the machine's own decision about this mirror. */
  readonly trusted?: string
}

/** The names Debian's archive uses for a release, past and coming; a suite with another name is somebody else's repository. */
const releaseNames = new Set([
  ...['stretch', 'buster', 'bullseye', 'bookworm', 'trixie', 'forky', 'duke', 'sid'],
  ...['oldoldstable', 'oldstable', 'stable', 'testing', 'unstable'],
])

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '')

function parseStanza(stanza: string): AptSource | undefined {
  const fields = new Map<string, string>()
  let current: string | undefined
  for (const line of stanza.split('\n')) {
    if (line.startsWith('#')) continue
    const match = /^([^\s:]+):(.*)$/.exec(line)
    if (match?.[1] !== undefined) {
      current = match[1].toLowerCase()
      fields.set(current, (match[2] ?? '').trim())
    } else if (current !== undefined && /^\s+\S/.test(line)) {
      fields.set(current, `${fields.get(current) ?? ''}\n${line}`)
    }
  }
  if (!words(fields.get('types') ?? '').includes('deb') || /^(no|false|0)$/i.test(fields.get('enabled') ?? '')) return undefined
  return makeSource(
    fields.get('uris') ?? '',
    fields.get('suites') ?? '',
    fields.get('components') ?? '',
    fields.get('signed-by'),
    fields.get('trusted'),
  )
}

function makeSource(uris: string, suites: string, components: string, signedBy?: string, trusted?: string): AptSource {
  return {
    uris: words(uris),
    suites: words(suites),
    components: words(components),
    ...(signedBy === undefined ? {} : { signedBy }),
    ...(trusted === undefined ? {} : { trusted }),
  }
}

function parseLine(line: string): AptSource | undefined {
  const match = /^deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line.trim())
  if (match === null) return undefined
  const options = new Map(words(match[1] ?? '').map((option) => option.split('=', 2) as [string, string]))
  return makeSource(match[2] ?? '', match[3] ?? '', match[4] ?? '', options.get('signed-by')?.replaceAll(',', ' '), options.get('trusted'))
}

/**
 * Reads one file of apt's sources; see sources.list(5). A name ending in `.sources` is deb822, anything else one entry a line.
 * Disabled and source-only entries are left out.
 */
export function parseAptSources(name: string, text: string): AptSource[] {
  const found = name.endsWith('.sources') ? text.split(/\n[ \t]*\n/).map(parseStanza) : text.split('\n').map(parseLine)
  return found.filter((source) => source !== undefined)
}

function stanza(source: AptSource, uri: string, suites: readonly string[]): string {
  const lines = ['Types: deb', `URIs: ${uri}`, `Suites: ${suites.join(' ')}`, 'Components: main']
  if (source.signedBy !== undefined) lines.push(`Signed-By: ${source.signedBy}`)
  if (source.trusted !== undefined) lines.push(`Trusted: ${source.trusted}`)
  return `${lines.join('\n')}\n`
}

/**
 * The deb822 text that reads another release from the mirrors this machine uses for its own: same addresses, same keys, component main.
 * Updates and security are included where the machine has them. A machine may have several mirrors of a kind: all are used.
 *
 * `APPLIANCE_BUILD_NO_MIRROR` when none of the sources is a Debian archive.
 */
export function deriveReleaseSources(sources: readonly AptSource[], release: string): string {
  const stanzas = new Set<string>()
  let hasArchive = false
  for (const source of sources) {
    if (!source.components.includes('main')) continue
    const kinds = new Set(
      source.suites.flatMap((suite) => {
        const [name = '', rest = ''] = suite.split(/[-/](.*)/s)
        return releaseNames.has(name) ? [rest] : []
      }),
    )
    for (const uri of source.uris) {
      if (kinds.has('')) {
        hasArchive = true
        stanzas.add(stanza(source, uri, kinds.has('updates') ? [release, `${release}-updates`] : [release]))
      } else if (kinds.has('updates')) {
        stanzas.add(stanza(source, uri, [`${release}-updates`]))
      }
      if (kinds.has('security')) stanzas.add(stanza(source, uri, [`${release}-security`]))
    }
  }
  if (!hasArchive) {
    throw new ConfigError('APPLIANCE_BUILD_NO_MIRROR', 'None of the apt sources of this machine is a Debian archive', {
      hint: 'Give the sources of a Debian mirror (the `aptSources` option, deb822), or install an appliance built elsewhere: `host-deployer appliance install FILE`.',
    })
  }
  return [...stanzas].join('\n')
}
