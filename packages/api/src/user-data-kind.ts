/** What user-data is by its first line, as cloud-init tells (user-data formats, cloud-init 24.x). */
export type UserDataKind =
  | { readonly kind: 'empty' | 'cloud-config' | 'script' }
  /** `cloudInitReads`: it would mean something to a cloud-init that gets this text. */
  | { readonly kind: 'unsupported'; readonly name: string; readonly cloudInitReads: boolean }

const foreign = (name: string): UserDataKind => ({ kind: 'unsupported', name, cloudInitReads: true })
const nobodys = (name: string): UserDataKind => ({ kind: 'unsupported', name, cloudInitReads: false })

// Longer prefixes first: several begin with "#cloud-config".
const prefixes: readonly (readonly [prefix: string, kind: UserDataKind])[] = [
  ['#cloud-config-archive', foreign('cloud-config-archive')],
  ['#cloud-config-jsonp', foreign('cloud-config-jsonp (a JSON patch)')],
  ['#cloud-config', { kind: 'cloud-config' }],
  ['#cloud-boothook', foreign('cloud-boothook')],
  ['#include-once', foreign('include-once')],
  ['#include', foreign('include')],
  ['#part-handler', foreign('part-handler')],
  ['#upstart-job', nobodys('upstart-job')],
  ['## template:', foreign('jinja template')],
  ['#!', { kind: 'script' }],
  ['content-type:', foreign('MIME message')],
  ['mime-version:', foreign('MIME message')],
]

/** The kind of a user-data file. The prefix counts in any case and after blank lines, as in cloud-init. */
export function userDataKind(text: string): UserDataKind {
  // Not even cloud-init's: as text its bytes are lost.
  if (text.startsWith('\u001f')) return nobodys('gzip data')
  const start = text.replace(/^\ufeff/, '').trimStart()
  if (start === '') return { kind: 'empty' }
  const head = start.slice(0, 64).toLowerCase()
  for (const [prefix, kind] of prefixes) if (head.startsWith(prefix)) return kind
  return nobodys('text without a first line that says what it is')
}
