import type { ConformanceReport } from '@host-deployer/driver-testkit'

/** What the machine is told. */
export interface MachineOrders {
  /** Of the kit, by what process numbers it sees: none are all of them. */
  readonly groups: Readonly<Record<Numbers, readonly string[]>>
  /** How many times the kit's `leak` group goes round. */
  readonly rounds: number
  /** Owners of sessions that are killed, in milliseconds after they have started with the first. */
  readonly kills: readonly { readonly numbers: Numbers; readonly momentMs: number }[]
}

/**
 * Whose process numbers a program sees: all of the machine, or only those of a process namespace of its own, as in a container that does not share the
 * host's. What the kernel tells about nbd devices are numbers of the machine either way. Who sees those attaches through netlink, otherwise qemu-nbd does.
 */
export type Numbers = 'machine' | 'own'

/** Codes of errors; `none`: there was no error. */
export interface MachineResults {
  /**
   * The packages that a probe names where there is neither modprobe nor lvm. No module to be had: of opening by name, of the `auto` way, and of a module
   * that was loaded without partitions.
   */
  readonly missing: {
    /** Whether a probe takes the module that is not loaded for usable: by one that may load modules, and by one that may not. */
    readonly loadable: readonly [boolean, boolean]
    readonly packages: readonly string[]
    readonly kernel: string
    readonly automatic: readonly string[]
    readonly withoutPartitions: string
  }
  readonly kit: Readonly<Record<Numbers, ConformanceReport>>
  readonly kills: readonly {
    readonly numbers: Numbers
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
  /** An nbd-client that fails, and one that finds its device taken since somebody looked which are free. */
  readonly clients: {
    readonly failing: string
    /** Of the session that lost its device, and whether it has another one. */
    readonly losing: { readonly open: string; readonly another: boolean; readonly close: string }
    readonly residue: readonly string[]
  }
  /** The server of a session's disk is killed while the session reads from it. */
  readonly lostServer: {
    /** Whether the reading came to an end, which nobody has to wait for. */
    readonly readingEnds: boolean
    readonly close: string
    readonly free: boolean
    readonly residue: readonly string[]
  }
  /** The machine has a volume group of the guest's name, then one of its uuid, then none. */
  readonly groups: {
    readonly sameName: string
    readonly sameUuid: string
    readonly untouched: boolean
    readonly alone: readonly string[]
    /** Of a guest whose group has a system id. */
    readonly ofOtherMachine: { readonly code: string; readonly found: readonly string[] }
    readonly residue: readonly string[]
  }
  /** A session sets its device read-only; the next one gets the same device. */
  readonly readOnlyFlag: { readonly devices: readonly string[]; readonly flag: string; readonly residue: readonly string[] }
  /** A device that an orphaned lease of ours names, and that somebody else has attached. */
  readonly strangers: {
    readonly found: readonly {
      /** By netlink, where nothing runs any more that attached it, or by a qemu-nbd that runs. */
      readonly attachedBy: 'netlink' | 'qemu-nbd'
      /** The number that the lease says the device was attached by when it was ours: that of its owner now is the `same`, by bad luck. */
      readonly recorded: 'none' | 'other' | 'same'
      /** How the lease says it was attached then. */
      readonly through: 'ioctl' | 'netlink'
      /** What reclaim sees. */
      readonly numbers: Numbers
      readonly codes: readonly string[]
      /** The stranger can still read from it. */
      readonly serves: boolean
    }[]
    /** Of a reclaim by a lease whose marker the qemu-nbd that runs has: it was ours, and is disconnected. */
    readonly ofOurProgram: readonly string[]
    /** A device attached through netlink, whose server was killed, and a lease that names it and who attached it: it is ours and goes. */
    readonly unserved: readonly { readonly numbers: Numbers; readonly codes: readonly string[]; readonly detached: boolean }[]
  }
  /** Sessions that have activated and mounted a logical volume: one closes, one is killed. */
  readonly volumes: readonly {
    readonly numbers: Numbers
    readonly close: string
    readonly afterClose: readonly string[]
    /** Of opening the session that is killed. */
    readonly open: string
    /** According to that session's lease. */
    readonly through: string
    /** The volume is still active when the session has been killed. */
    readonly outlives: boolean
    /** Of the reclaim that followed. */
    readonly codes: readonly string[]
    readonly residue: readonly string[]
    readonly free: boolean
  }[]
  /** A session closes under an md array of its disk alone, and under one with a disk of the machine. */
  readonly arrays: {
    readonly alone: { readonly close: string; readonly residue: readonly string[]; readonly free: boolean }
    /** Whether the array is still there, and the codes of a reclaim once it was stopped. */
    readonly mixed: { readonly close: string; readonly stays: boolean; readonly after: readonly string[] }
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
