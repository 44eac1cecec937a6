const HIDDEN = '[secret]'
const MAX_DEPTH = 6
const MAX_ENTRIES = 100
const MAX_TEXT = 4096

/** Last words of names whose values are never printed, case and separators aside. */
const SECRET_NAME =
  /(passwords?|passwd|passphrase|secrets?|secretkey|privatekey|privkey|tokens?|credentials?|loginkey|accesskey|apikey|encryptkey|encryptionkey|lukskey|authorization|cookie|userdata|metadata|vendordata|shadow|pwhash|hashedpasswd)$/

/** Texts that show by their form what they are: crypt(5) hashes, PEM private keys, the password of a URL. */
const SECRET_TEXTS: readonly (readonly [RegExp, string])[] = [
  [/\$(?:1|2[abxy]|5|6|7|y|gy|sha1|md5)\$[./A-Za-z0-9$,=]{8,}/g, HIDDEN],
  [/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)/g, HIDDEN],
  [/\b([a-z][a-z0-9+.-]*:\/\/[^\s/:@]*):[^\s/@]+@/gi, `$1:${HIDDEN}@`],
]

/** `text` without what looks like a secret, and at most 4096 characters of it. */
export function redactText(text: string): string {
  const hidden = SECRET_TEXTS.reduce((rest, [pattern, instead]) => rest.replace(pattern, instead), text)
  return hidden.length <= MAX_TEXT ? hidden : `${hidden.slice(0, MAX_TEXT)} [${hidden.length - MAX_TEXT} more characters]`
}

/**
 * A copy of `value` that can be printed as JSON: values under the name of a secret and texts in the form of one are replaced, bytes are only counted,
 * errors are taken apart, what is deep, long or circular is cut off. Objects with a `toJSON` (such as `Secret`) speak for themselves. Never throws.
 */
export function redact(value: unknown): unknown {
  return walk(value, 0, new Set())
}

/** The same for the fields of a log line: each name counts. */
export function redactFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return walkObject(fields, 0, new Set())
}

function walk(value: unknown, depth: number, above: ReadonlySet<unknown>): unknown {
  if (typeof value === 'string') return redactText(value)
  if (typeof value === 'bigint') return String(value)
  if (value === null || typeof value !== 'object')
    return typeof value === 'function' || typeof value === 'symbol' ? `[${typeof value}]` : value
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (above.has(value)) return '[circular]'
  if (depth >= MAX_DEPTH) return '[deep]'
  const inside = new Set(above).add(value)
  if (value instanceof Error) return walkError(value, depth, inside)
  if (Array.isArray(value)) {
    const shown = value.slice(0, MAX_ENTRIES).map((entry) => walk(entry, depth + 1, inside))
    return value.length <= MAX_ENTRIES ? shown : [...shown, `[${value.length - MAX_ENTRIES} more]`]
  }
  if (value instanceof Map || value instanceof Set) return `[${value.constructor.name} of ${value.size}]`
  if ('toJSON' in value && typeof value.toJSON === 'function') return walkJson(value as { toJSON(): unknown }, depth, inside)
  return walkObject(value as Record<string, unknown>, depth, inside)
}

function walkJson(value: { toJSON(): unknown }, depth: number, inside: ReadonlySet<unknown>): unknown {
  try {
    return walk(value.toJSON(), depth + 1, inside)
  } catch {
    return '[unprintable]'
  }
}

function walkObject(value: Readonly<Record<string, unknown>>, depth: number, inside: ReadonlySet<unknown>): Record<string, unknown> {
  const names = Object.keys(value)
  const copy: Record<string, unknown> = {}
  for (const name of names.slice(0, MAX_ENTRIES))
    copy[name] = isSecretName(name) ? hide(value[name]) : walk(read(value, name), depth + 1, inside)
  if (names.length > MAX_ENTRIES) copy['...'] = `[${names.length - MAX_ENTRIES} more]`
  return copy
}

/** Of the properties of an error those of `DeployError`; another's may hold anything: a command line, its input. */
function walkError(error: Error, depth: number, inside: ReadonlySet<unknown>): Record<string, unknown> {
  const { code, hint, phase, context, cause } = error as Error & Readonly<Record<'code' | 'hint' | 'phase' | 'context', unknown>>
  const parts = { name: error.name, code, message: error.message, hint, phase, context, stack: error.stack, cause }
  return walkObject(Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== undefined)), depth, inside)
}

function read(value: Readonly<Record<string, unknown>>, name: string): unknown {
  try {
    return value[name]
  } catch {
    return '[unprintable]'
  }
}

const isSecretName = (name: string) => SECRET_NAME.test(name.toLowerCase().replace(/[^a-z0-9]/g, ''))

/** Whether something was given is no secret. */
const hide = (value: unknown) => (value === null || value === undefined || typeof value === 'boolean' ? value : HIDDEN)
