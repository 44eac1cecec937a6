import { parseArgs } from 'node:util'

export interface BenchOptions {
  readonly runs: number
  readonly peerRuns: number
  /** Rows; empty: all. */
  readonly only: readonly string[]
  /** Leave the long ones out. */
  readonly quick: boolean
  /** Compare with the baseline. */
  readonly check: boolean
  readonly concurrencyImages: number
}

/** Pure. Throws `TypeError` for what it does not know. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string' },
      'peer-runs': { type: 'string' },
      only: { type: 'string', multiple: true, default: [] },
      quick: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      'concurrency-images': { type: 'string' },
    },
  })
  const { quick, check } = values
  return {
    runs: count('--runs', values.runs ?? (quick ? '3' : '10')),
    peerRuns: count('--peer-runs', values['peer-runs'] ?? (quick ? '1' : '10')),
    only: values.only.flatMap((names) => names.split(',')).filter((name) => name !== ''),
    quick,
    check,
    concurrencyImages: count('--concurrency-images', values['concurrency-images'] ?? (quick ? '8' : '20')),
  }
}

function count(option: string, text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new TypeError(`${option} wants a number from 1 to 9999, not ${JSON.stringify(text)}`)
  return Number(text)
}
