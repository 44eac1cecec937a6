import type { Benchmark } from './benchmark.ts'
import { type Counts, schedule } from './schedule.ts'

/** Row to everything measured, in order. */
export type Samples = ReadonlyMap<string, readonly number[]>

/** Warms everything up, then measures round by round, `prepare` before each benchmark. A benchmark that fails stops it: a figure that lacks its bad cases is none. */
export async function measure(
  benchmarks: readonly Benchmark[],
  counts: Counts,
  prepare: () => Promise<unknown>,
  log: (line: string) => void,
): Promise<Samples> {
  const samples = new Map<string, number[]>()
  for (const { rows, warmUp } of benchmarks) {
    if (warmUp === undefined) continue
    log(`warm-up: ${rows.join(', ')}`)
    await warmUp()
  }
  const rounds = schedule(benchmarks, counts)
  for (const [index, round] of rounds.entries()) {
    for (const benchmark of round) {
      await prepare()
      const values = await benchmark.run()
      for (const [row, value] of Object.entries(values)) samples.set(row, [...(samples.get(row) ?? []), value])
      const shown = benchmark.rows.flatMap((row) => (values[row] === undefined ? [] : [`${row} ${values[row].toFixed(2)} s`]))
      log(`${index + 1}/${rounds.length} ${shown.join(', ') || benchmark.rows.join(', ')}`)
    }
  }
  return samples
}
