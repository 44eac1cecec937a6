import type { DeployRequest } from '@host-deployer/api'
import { applyGrow, type GrowPlan, planGrow } from '@host-deployer/block'
import { guestPath, stageGuestFs } from '@host-deployer/guest-fs'
import type { DeployOutcome } from './build-report.ts'
import type { OpenGuest } from './open-guest.ts'
import type { Ambient, Operation } from './operation.ts'
import { operationsFor } from './operations-for.ts'
import type { Phases } from './phases.ts'
import { requestedGrowth } from './requested-growth.ts'
import { selectProfile } from './select-profile.ts'
import { stageOperations } from './stage-operations.ts'

export interface ChangeOptions {
  readonly request: DeployRequest
  readonly dryRun: boolean
  readonly ambient: Ambient
  readonly extraOperations?: readonly Operation[] | undefined
}

/** What was done to the guest; the report's timings are only whole when it is closed. */
export type Changed = Omit<DeployOutcome, 'driver' | 'image' | 'request' | 'dryRun' | 'timings'>

/** Stages every operation, and when that makes a difference, writes it. */
export async function changeGuest(guest: OpenGuest, phases: Phases, options: ChangeOptions): Promise<Changed> {
  const { request, dryRun, ambient, extraOperations } = options
  const { profile, diagnostics } = selectProfile(guest.facts)
  const staged = stageGuestFs(guest.fs)
  const operations = operationsFor(request, extraOperations)
  const result = await phases.run('stage', () => stageOperations({ operations, request, staged, facts: guest.facts, profile, ambient }))
  const growth = await phases.run('diff', () => growPlan(guest, request))

  const paths = await staged.pathsToCommit()
  if (!dryRun && (growth.steps.length > 0 || paths.length > 0)) {
    await phases.run('commit', async () => {
      // Only what is written to becomes writable: an EFI partition that nothing touches keeps its clean mark.
      await guest.mounted.remountReadWrite(growth.steps.length > 0 ? [guestPath('/'), ...paths] : paths)
      // First the room, then what needs it.
      await applyGrow(guest.session.toolHost, growth)
      await staged.commit()
      // A commit syncs the file systems that it wrote to, growing does not.
      if (growth.steps.length === 0 || paths.some((path) => isOnRoot(guest, path))) guest.mounted.synced()
    })
  }
  const { info, diagnostics: noticed } = guest.session
  return {
    ...result,
    growth,
    facts: guest.facts,
    storage: guest.mounted.storage,
    session: { info },
    diagnostics: [...noticed, ...guest.mounted.diagnostics, ...diagnostics],
  }
}

const isOnRoot = ({ mounted }: OpenGuest, path: string): boolean =>
  !mounted.mounts.some((mount) => mount.path !== '/' && `${path}/`.startsWith(`${mount.path}/`))

async function growPlan({ session, storage, mounted, fs }: OpenGuest, request: DeployRequest): Promise<GrowPlan> {
  const { partition, filesystem, diagnostics } = await requestedGrowth(fs, request)
  if (!partition && !filesystem) return { steps: [], diagnostics }
  const plan = await planGrow(session.toolHost, storage, mounted, { partition, filesystem })
  return { ...plan, diagnostics: [...diagnostics, ...plan.diagnostics] }
}
