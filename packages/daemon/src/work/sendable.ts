/** As deep as contexts are; what is deeper is left out. */
const MAX_DEPTH = 6

const isPrimitive = (value: unknown): value is string | number | boolean | bigint | null | undefined =>
  value === null || ['string', 'number', 'boolean', 'bigint', 'undefined'].includes(typeof value)

/**
 * A copy of what a process can send: functions and symbols are left out, of errors the message stays, what has a `toJSON` (a `Secret`) speaks for itself.
 * Never throws.
 */
export function sendable(value: unknown, depth = 0): unknown {
  if (isPrimitive(value)) return value
  if (typeof value !== 'object' || depth >= MAX_DEPTH) return undefined
  if (value instanceof Error) return value.message
  if (value instanceof Uint8Array) return value
  try {
    if ('toJSON' in value && typeof value.toJSON === 'function') return sendable(value.toJSON(), depth + 1)
    if (Array.isArray(value)) return value.map((item) => sendable(item, depth + 1))
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, sendable(item, depth + 1)]))
  } catch {
    return undefined
  }
}
