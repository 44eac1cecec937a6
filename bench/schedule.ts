import type { Benchmark } from './benchmark.ts'

export interface Counts {
  readonly runs: number
  readonly peerRuns: number
}

/**
 * Pure. What runs after what: rounds in which each of ours has its turn, with those of the peers spread evenly among the rounds, so that a machine that
 * gets slower or faster on the way does so to both sides.
 */
export function schedule<T extends Pick<Benchmark, 'pace'>>(benchmarks: readonly T[], { runs, peerRuns }: Counts): T[][] {
  const rounds = Math.max(runs, peerRuns)
  return Array.from({ length: rounds }, (_, round) =>
    benchmarks.filter(({ pace }) => isDue(round, pace === 'ours' ? runs : peerRuns, rounds)),
  )
}

/** Of `rounds` rounds `count` are taken, at equal distances. */
function isDue(round: number, count: number, rounds: number): boolean {
  return Math.floor(((round + 1) * count) / rounds) > Math.floor((round * count) / rounds)
}

/** Pure. Those that fill one of the rows named; all when none is. Gives the first name that nothing fills, as text. */
export function selectBenchmarks<T extends Pick<Benchmark, 'rows'>>(benchmarks: readonly T[], names: readonly string[]): T[] | string {
  const fills = ({ rows }: T, name: string) => rows.some((row) => row === name || name.startsWith(`${row}.`) || row.startsWith(`${name}.`))
  const unknown = names.find((name) => !benchmarks.some((benchmark) => fills(benchmark, name)))
  if (unknown !== undefined) return unknown
  return benchmarks.filter((benchmark) => names.length === 0 || names.some((name) => fills(benchmark, name)))
}
