import type { ConformanceReport } from '@host-deployer/driver-testkit'

/** What the machine is told. */
export interface MachineOrders {
  readonly groups: readonly string[]
  /** How many times the kit's `leak` group goes round. */
  readonly rounds: number
  /** When owners of sessions are killed, in milliseconds after they have started with the first. */
  readonly killMomentsMs: readonly number[]
}

/** Codes of errors; `none`: there was no error. */
export interface MachineResults {
  /** No module to be had: of opening by name, of the `auto` way, and of a module that was loaded without partitions. */
  readonly missing: { readonly kernel: string; readonly automatic: readonly string[]; readonly withoutPartitions: string }
  readonly kit: ConformanceReport
  readonly kills: readonly {
    readonly momentMs: number
    /** Of the reclaim that followed. */
    readonly codes: readonly string[]
    readonly residue: readonly string[]
    readonly free: boolean
    /** e2fsck(8). */
    readonly fsckExitCode: number
  }[]
  /** A file on the guest's mount was kept open by somebody else. */
  readonly heldFile: {
    readonly close: string
    readonly quarantined: readonly string[]
    readonly free: boolean
    /** Of a reclaim meanwhile. */
    readonly meanwhile: readonly string[]
    /** Of a session with another image meanwhile. */
    readonly other: string
    /** Of a reclaim once the file was closed. */
    readonly after: readonly string[]
    readonly residue: readonly string[]
  }
  /** The machine has a volume group of the guest's name, then one of its uuid, then none. */
  readonly groups: {
    readonly sameName: string
    readonly sameUuid: string
    readonly untouched: boolean
    readonly alone: readonly string[]
    readonly residue: readonly string[]
  }
  readonly parallel: { readonly devices: readonly string[]; readonly contents: readonly string[]; readonly residue: readonly string[] }
}

/** Each step with its result, or with the reason why it has none; those that were not reached are absent. */
export type MachineReport = {
  readonly [Step in keyof MachineResults]?: { readonly durationMs: number } & (
    | { readonly result: MachineResults[Step] }
    | { readonly failure: string }
  )
}
