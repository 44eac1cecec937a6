/** One thing to measure: a run of it gives values for its rows. */
export interface Benchmark {
  /** The rows it fills, for `--only`. Rows that begin with one of them and a dot belong to it too. */
  readonly rows: readonly [string, ...string[]]
  /** How often: `ours` as `--runs` says, `peer` and `slow` as `--peer-runs` says. */
  readonly pace: 'ours' | 'slow' | 'peer'
  /** Left out by `--quick`. */
  readonly long?: true
  /** This machine attaches and mounts the image. */
  readonly needsRoot?: true
  /** Once, before anything is measured: caches of either side are warm in every run that counts. */
  warmUp?(): Promise<unknown>
  /** Measures once. Row to value: seconds, or bytes in rows of memory. */
  run(): Promise<Readonly<Record<string, number>>>
}

/** The result of the work and the seconds it took. */
export async function timed<T>(work: () => Promise<T>): Promise<{ readonly seconds: number; readonly result: T }> {
  const started = performance.now()
  const result = await work()
  return { seconds: (performance.now() - started) / 1000, result }
}
