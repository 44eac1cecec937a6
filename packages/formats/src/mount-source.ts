/** Directories of udev's links, and the tag that each stands for. */
const tagOfDirectory: Readonly<Record<string, string>> = {
  'by-uuid': 'UUID',
  'by-label': 'LABEL',
  'by-partuuid': 'PARTUUID',
  'by-partlabel': 'PARTLABEL',
  'by-id': 'ID',
}

/** Identifiers are hexadecimal digits, in whichever case; labels are not. */
const anyCase = new Set(['UUID', 'PARTUUID'])

/**
 * One spelling for every way in which the first field of fstab(5) names the same device: `UUID="AB-12"`, `/dev/disk/by-uuid/ab-12` and `UUID=ab-12`
 * are the last one. What names no device (`tmpfs`, `host:/export`) stays as it is, and so does a path whose device only the running system knows.
 */
export function canonicalMountSource(source: string): string {
  const [, directory = '', link = ''] = /^\/dev\/disk\/(by-[a-z]+)\/([^/]+)$/.exec(source) ?? []
  const linked = tagOfDirectory[directory]
  if (linked !== undefined) return tagged(linked, unescapeUdevName(link))
  const [, tag, value] = /^(UUID|LABEL|PARTUUID|PARTLABEL|ID)="?([^"]*)"?$/.exec(source) ?? []
  if (tag !== undefined && value !== undefined) return tagged(tag, value)
  return source.startsWith('/') ? source.replaceAll(/\/{2,}/g, '/').replace(/(.)\/$/, '$1') : source
}

const tagged = (tag: string, value: string) => `${tag}=${anyCase.has(tag) ? value.toLowerCase() : value}`

/** udev writes what cannot be in a link's name as `\x20`, byte by byte. */
function unescapeUdevName(name: string): string {
  const bytes = Buffer.from(name).toString('latin1')
  const decoded = bytes.replaceAll(/\\x([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
  return Buffer.from(decoded, 'latin1').toString('utf8')
}
