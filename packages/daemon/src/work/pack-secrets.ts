import { Secret } from '@host-deployer/api'

// Requests hold texts, numbers, booleans, null, bytes, arrays and plain objects; no maps. So a map can stand for a secret without being mistaken.
const tag = 'secret'

const isPlain = (value: object): value is Record<string, unknown> =>
  Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null

/** A copy of a request that survives a structured clone: each `Secret` has become a map of one entry. Bytes are shared, not copied. */
export function packSecrets(value: unknown): unknown {
  if (value instanceof Secret) return new Map([[tag, value.reveal()]])
  if (Array.isArray(value)) return value.map(packSecrets)
  if (typeof value === 'object' && value !== null && isPlain(value)) return mapValues(value, packSecrets)
  return value
}

/** The reverse of {@link packSecrets}. */
export function unpackSecrets(value: unknown): unknown {
  if (value instanceof Map) return new Secret(String(value.get(tag)))
  if (Array.isArray(value)) return value.map(unpackSecrets)
  if (typeof value === 'object' && value !== null && isPlain(value)) return mapValues(value, unpackSecrets)
  return value
}

// `fromEntries` defines what assignment would not: a key `__proto__`.
const mapValues = (value: Record<string, unknown>, change: (value: unknown) => unknown): Record<string, unknown> =>
  Object.fromEntries(Object.entries(value).map(([key, item]) => [key, change(item)]))
