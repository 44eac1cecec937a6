import type { DeployRequest, OperationOutcome } from '@host-deployer/api'
import type { Diagnostic } from '@host-deployer/driver-api'
import type { WritableGuestFs } from '@host-deployer/guest-fs'
import type { GuestFacts } from '@host-deployer/os-detect'
import type { DistroProfile } from './distro-profile.ts'
import type { FirstBoot } from './first-boot.ts'
import type { LoginAccountNote } from './login-account.ts'

/** What the clock, the random source and the request's owner give; pure code takes them from here. */
export interface Ambient {
  readonly now: Date
  /** Cryptographically strong bytes. */
  randomBytes(count: number): Uint8Array
}

/** All an operation may touch. */
export interface StageContext<Input> {
  readonly input: Input
  /** The whole request, for the few keys that several operations share. Prefer `input`. */
  readonly request: DeployRequest
  /** Staged: nothing reaches the disk before the commit, later operations see what earlier ones wrote. */
  readonly fs: WritableGuestFs
  readonly facts: GuestFacts
  readonly profile: DistroProfile
  readonly ambient: Ambient
  /** Commands for the guest's first boot; the unit that runs them is written once, by the operation `first-boot`. */
  readonly firstBoot: FirstBoot
  /** Which account the request's `login_account` came to mean. */
  readonly loginAccount: LoginAccountNote
  /** A password made for this request, shown once in the report. */
  generated(account: string, password: string): void
  diagnose(diagnostic: Diagnostic): void
}

/**
 * One thing that a deploy can do to a guest. It never mentions a distribution: differences are in the profile's data and in the facts.
 * `stage` writes the overlay in plain imperative style and is idempotent: on a guest that is already as asked it writes the same bytes,
 * which leaves no trace in the diff.
 */
export interface Operation<Input = unknown> {
  /** kebab-case, the name in the report. */
  readonly id: string
  /** Operations whose writes this one builds on; they are staged first when they are selected. */
  readonly after: readonly string[]
  /**
   * Paths it is going to look at in many guests, a directory to list with a slash at its end: fetched for all operations at once, so that none has to wait for its
   * own. What is not there costs little.
   */
  readonly reads: readonly string[]
  /** The slice of the request this operation is about; `undefined` when the request asks nothing of it. */
  select(request: DeployRequest): Input | undefined
  /**
   * Rejects with `OperationError` (`OPERATION_*`) or `InputError` when the request cannot be met: then not a byte of the image is written.
   * The outcome is only given when the diff cannot tell (`staged-first-boot`, `skipped`).
   */
  stage(context: StageContext<Input>): Promise<OperationOutcome | undefined>
}

interface OperationDefinition<Input> {
  readonly id: string
  readonly after?: readonly string[]
  readonly reads?: readonly string[]
  select(request: DeployRequest): Input | undefined
  stage(context: StageContext<Input>): Promise<OperationOutcome | undefined> | Promise<void>
}

export function defineOperation<Input>(definition: OperationDefinition<Input>): Operation<Input> {
  return {
    id: definition.id,
    after: definition.after ?? [],
    reads: definition.reads ?? [],
    select: definition.select,
    stage: async (context) => (await definition.stage(context)) ?? undefined,
  }
}
