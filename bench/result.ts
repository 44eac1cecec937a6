import type { Ratios } from './ratios.ts'

/** `bench/out/bench.json`. */
export interface BenchResult {
  readonly schemaVersion: 1
  readonly runs: number
  readonly peerRuns: number
  /** `kvm` or `tcg`: how our VMs ran. The peer's are always emulated where ours are. */
  readonly accelerator: string
  /** The template's memory was held for clones to share, as by a daemon; else each had a copy. */
  readonly isHeld: boolean
  readonly versions: Readonly<Record<string, string>>
  readonly machine: { readonly cpus: number; readonly cpu: string; readonly memoryMb: number }
  /** Medians in seconds. */
  readonly rows: Readonly<Record<string, number>>
  /** Medians in MiB, of each of five clones at the end of their deploys. */
  readonly memory: Readonly<Record<string, number>>
  readonly ratios: Ratios
  /** Each measurement of each row, in the order they were made. */
  readonly samples: Readonly<Record<string, readonly number[]>>
}
