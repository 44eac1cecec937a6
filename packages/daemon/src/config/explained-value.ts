import type { ConfigSource, GivenValue } from './config-source.ts'

/** A value of the configuration, where it came from and what it took the place of. */
export interface ExplainedValue {
  /** A key of `DaemonConfig`; `imageRoots[0]` and `driverOptions.memoryMb` for the parts of these two. */
  readonly key: string
  readonly value: unknown
  readonly source: ConfigSource
  /** What counted for less, the nearest first. Defaults are not listed. */
  readonly overrode: readonly GivenValue[]
}

/** The last of the candidates, explained. Throws `TypeError` when there is none. Pure. */
export function explained(key: string, candidates: readonly GivenValue[]): ExplainedValue {
  const last = candidates.at(-1)
  if (last === undefined) throw new TypeError(`No candidate for ${key}`)
  const overrode = candidates.slice(0, -1).filter(({ source }) => source.kind !== 'default')
  return { key, value: last.value, source: last.source, overrode: overrode.toReversed() }
}

const secretKey = /passw|secret|token|credential|private/i
const hidden = '[secret]'

/** The value as it may be shown: what a driver option calls a password is not. Pure. */
export function hideSecrets(row: ExplainedValue): ExplainedValue {
  return {
    ...row,
    value: shown(row.key, row.value),
    overrode: row.overrode.map(({ value, source }) => ({ value: shown(row.key, value), source })),
  }
}

function shown(key: string, value: unknown): unknown {
  // A file's name is none.
  if (secretKey.test(key) && !/file$/i.test(key)) return hidden
  if (Array.isArray(value)) return value.map((item) => shown('', item))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, shown(name, item)]))
}

export function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const part of Object.values(value)) deepFreeze(part)
  return Object.freeze(value)
}
