/** What user-data is by its first line, as cloud-init tells (user-data formats, cloud-init 24.x). */
export type UserDataKind = { readonly kind: 'empty' | 'cloud-config' | 'script' } | { readonly kind: 'unsupported'; readonly name: string }

// Longer prefixes first: several begin with "#cloud-config".
const prefixes: readonly (readonly [prefix: string, kind: UserDataKind])[] = [
  ['#cloud-config-archive', { kind: 'unsupported', name: 'cloud-config-archive' }],
  ['#cloud-config-jsonp', { kind: 'unsupported', name: 'cloud-config-jsonp (a JSON patch)' }],
  ['#cloud-config', { kind: 'cloud-config' }],
  ['#cloud-boothook', { kind: 'unsupported', name: 'cloud-boothook' }],
  ['#include-once', { kind: 'unsupported', name: 'include-once' }],
  ['#include', { kind: 'unsupported', name: 'include' }],
  ['#part-handler', { kind: 'unsupported', name: 'part-handler' }],
  ['#upstart-job', { kind: 'unsupported', name: 'upstart-job' }],
  ['## template:', { kind: 'unsupported', name: 'jinja template' }],
  ['#!', { kind: 'script' }],
  ['content-type:', { kind: 'unsupported', name: 'MIME message' }],
  ['mime-version:', { kind: 'unsupported', name: 'MIME message' }],
]

/** The kind of a user-data file. The prefix counts in any case and after blank lines, as in cloud-init. */
export function userDataKind(text: string): UserDataKind {
  if (text.startsWith('\u001f')) return { kind: 'unsupported', name: 'gzip data' }
  const start = text.replace(/^\ufeff/, '').trimStart()
  if (start === '') return { kind: 'empty' }
  const head = start.slice(0, 64).toLowerCase()
  for (const [prefix, kind] of prefixes) if (head.startsWith(prefix)) return kind
  return { kind: 'unsupported', name: 'text without a first line that says what it is' }
}
