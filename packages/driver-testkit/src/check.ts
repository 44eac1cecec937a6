import type { Capabilities } from '@host-deployer/driver-api'
import type { TestBed } from './test-bed.ts'

/** In the order they run. */
export const groupNames = ['lifecycle', 'exec', 'fs', 'block', 'hostile', 'parallel', 'kill', 'leak'] as const

export type GroupName = (typeof groupNames)[number]

/**
 * What a check cannot do without: a capability of the session, or `module`, the address of the module that exports the driver, so that another
 * process can load it too.
 */
export type Need = keyof Capabilities | 'module'

/** One thing a driver has to get right, as data. */
export interface Check {
  /** Stable: `exec.binary-output`. Starts with the group's name. */
  readonly id: string
  readonly group: GroupName
  /** What holds when it passes, one line for a person. */
  readonly title: string
  readonly needs: readonly Need[]
  /** A driver that takes longer has failed. */
  readonly timeoutMs: number
  /** Passes by resolving. What it rejects with is the failure. */
  run(bed: TestBed): Promise<void>
}

export interface CheckInput {
  readonly title: string
  readonly needs?: readonly Need[]
  /** Default 60 s: a session of a slow driver costs some of them. */
  readonly timeoutMs?: number
  readonly run: (bed: TestBed) => Promise<void>
}

/** The checks of one group, from what differs between them; keys are the second half of an id. */
export function defineChecks(group: GroupName, checks: Readonly<Record<string, CheckInput>>): readonly Check[] {
  return Object.entries(checks).map(([name, { title, needs = [], timeoutMs = 60_000, run }]) => {
    return { id: `${group}.${name}`, group, title, needs, timeoutMs, run }
  })
}
