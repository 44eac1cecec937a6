import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Capabilities, DeployError, type Driver, type HostPath, hostPath } from '@host-deployer/driver-api'
import { reclaim } from '@host-deployer/driver-kit'
import { allChecks } from './all-checks.ts'
import type { Check, GroupName, Need } from './check.ts'
import { createTestBed, type Subject, type TestBed } from './test-bed.ts'

export interface ConformanceInput<Options = unknown> {
  readonly driver: Driver<Options>
  /** The driver's section of a configuration. Default `{}`. */
  readonly options?: unknown
  /** Where built artefacts are. Default: an empty directory. */
  readonly cacheDirectory?: string
  /**
   * Address of the module that exports this driver as `driver`, `import.meta.url` of it or of what re-exports it: another process loads it from there,
   * to be killed. Without it the checks that need one do not apply.
   */
  readonly module?: string | URL
  /** Frees what a dead process left. Default: `reclaim` of driver-kit on that journal. */
  readonly reclaim?: (leaseDirectory: HostPath) => Promise<unknown>
  /** How long what is left of a session may take to go before it counts as left. Default 20 s: it costs nothing where nothing is left. */
  readonly settleMs?: number
  /** How many times the `leak` group opens and closes between its looks. Default 3. */
  readonly rounds?: number
}

/** What became of one check. */
export type Outcome =
  | { readonly outcome: 'passed' }
  | { readonly outcome: 'failed'; readonly error: unknown }
  | { readonly outcome: 'not-applicable'; readonly reason: string }

/** Runs checks one after the other; each group has a directory and a session of its own. */
export interface ConformanceRun {
  /** Never rejects for what a driver does. */
  check(check: Check): Promise<Outcome>
  /** Closes the session of a group and removes its files. Rejects when the session cannot be closed. */
  endGroup(group: GroupName): Promise<void>
  /** Of the first session that was opened. */
  capabilities(): Capabilities | undefined
  /** Removes everything. */
  end(): Promise<void>
}

const DEFAULT_ROUNDS = 3

class CheckTimeoutError extends Error {}

async function withDeadline<T>(timeoutMs: number, action: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new CheckTimeoutError(`Not done after ${timeoutMs} ms`)), timeoutMs)
  // What goes on behind our back may fail as it likes.
  action.catch(() => {})
  return Promise.race([action, promise]).finally(() => clearTimeout(timer))
}

async function validatedOptions({ driver, options = {} }: ConformanceInput): Promise<unknown> {
  const result = await driver.options['~standard'].validate(options)
  if (result.issues !== undefined) throw new TypeError(`The options are wrong: ${result.issues.map(({ message }) => message).join('; ')}`)
  return result.value
}

/** Prepares a run. `TypeError` when the options are none for this driver. */
export async function createConformanceRun<Options>(input: ConformanceInput<Options>): Promise<ConformanceRun> {
  const options = await validatedOptions(input as ConformanceInput)
  const root = await mkdtemp(join(tmpdir(), 'driver-testkit-'))
  const driver = input.driver as Driver
  let known: Capabilities | undefined
  const subject: Subject = {
    // Not a copy by spreading: a driver may be an instance of a class.
    driver: {
      apiVersion: driver.apiVersion,
      name: driver.name,
      options: driver.options,
      probe: (context) => driver.probe(context),
      async open(request, context) {
        const session = await driver.open(request, context)
        known ??= session.capabilities
        return session
      },
    },
    options,
    cacheDirectory: hostPath(input.cacheDirectory ?? join(root, 'cache')),
    module: input.module === undefined ? undefined : new URL(input.module),
    settleMs: input.settleMs ?? 20_000,
    rounds: input.rounds ?? DEFAULT_ROUNDS,
    reclaim: input.reclaim ?? ((leaseDirectory) => reclaim(leaseDirectory)),
  }
  const beds = new Map<GroupName, Promise<TestBed>>()
  const bedOf = (group: GroupName): Promise<TestBed> => {
    const directory = join(root, group)
    const bed = beds.get(group) ?? mkdir(directory).then(() => createTestBed(subject, directory))
    beds.set(group, bed)
    return bed
  }
  const lacks = async (needs: readonly Need[], bed: TestBed): Promise<Need | undefined> => {
    if (needs.includes('module') && subject.module === undefined) return 'module'
    const wanted = needs.filter((need) => need !== 'module')
    if (wanted.length === 0) return undefined
    const capabilities = known ?? (await bed.session()).capabilities
    return wanted.find((need) => !capabilities[need])
  }
  const endGroup = async (group: GroupName): Promise<void> => {
    const bed = await beds.get(group)
    beds.delete(group)
    try {
      if (bed !== undefined) await withDeadline(60_000, bed.close())
    } finally {
      await rm(join(root, group), { recursive: true, force: true })
    }
  }
  return {
    async check({ needs, timeoutMs: usualMs, group, run }) {
      const timeoutMs = group === 'leak' ? usualMs * Math.max(1, subject.rounds / DEFAULT_ROUNDS) : usualMs
      try {
        const bed = await bedOf(group)
        const lacking = await withDeadline(timeoutMs, lacks(needs, bed))
        if (lacking === 'module') return { outcome: 'not-applicable', reason: 'the address of the driver\u2019s module was not given' }
        if (lacking !== undefined) return { outcome: 'not-applicable', reason: `the session has no capability ${lacking}` }
        await withDeadline(timeoutMs, run(bed))
        return { outcome: 'passed' }
      } catch (error) {
        return { outcome: 'failed', error }
      }
    },
    endGroup,
    capabilities: () => known,
    async end() {
      for (const group of [...beds.keys()]) await endGroup(group).catch(() => {})
      await rm(root, { recursive: true, force: true })
    },
  }
}

/** What went wrong, for a report: the code of a `DeployError` and the message. */
export function describeFailure(error: unknown): { readonly message: string; readonly code?: string } {
  const message = error instanceof Error ? error.message : String(error)
  return DeployError.isInstance(error) ? { message, code: error.code } : { message }
}

/** The checks of some groups, all when none is named. */
export const checksOf = (groups: readonly GroupName[] = []): readonly Check[] =>
  groups.length === 0 ? allChecks : allChecks.filter(({ group }) => groups.includes(group))
