import type { DeployReport, DeployRequest } from '@host-deployer/api'
import { applyGrow, type GrowPlan, planGrow } from '@host-deployer/block'
import type { Diagnostic, DriverSession } from '@host-deployer/driver-api'
import { guestPath, stageGuestFs, type TreeDiff } from '@host-deployer/guest-fs'
import { buildDeployReport } from './build-report.ts'
import { type GuestTarget, type OpenGuest, withOpenGuest } from './open-guest.ts'
import type { Ambient, Operation } from './operation.ts'
import { operationsFor } from './operations-for.ts'
import { createPhases, type PhaseEvent } from './phases.ts'
import { selectProfile } from './select-profile.ts'
import { stageOperations } from './stage-operations.ts'

export interface DeployOptions<Options> extends GuestTarget<Options> {
  readonly request: DeployRequest
  /** What parsing the request noticed; goes into the report. */
  readonly requestDiagnostics?: readonly Diagnostic[]
  /** Stop after the diff. The image is opened behind a throw-away overlay and stays byte for byte as it is. */
  readonly dryRun?: boolean
  readonly ambient: Ambient
  /** Monotonic milliseconds, `performance.now`. */
  readonly clock: () => number
  readonly onPhase?: (event: PhaseEvent) => void
  /** Beside the built-in ones. */
  readonly extraOperations?: readonly Operation[]
}

export interface Deployed {
  readonly report: DeployReport
  /** With content, for showing it to people. */
  readonly diff: TreeDiff
}

/**
 * Makes the guest in an image what the request says.
 *
 * Everything is staged before anything is written; a request that changes nothing writes nothing. Any failure before the commit leaves the image as
 * it was, and a commit that is cut off leaves every file either old or new: the same request again completes it.
 *
 * Rejects with `DeployError`; its `phase` says how far it got. Nothing stays mounted, running or locked afterwards.
 */
export async function deploy<Options>(options: DeployOptions<Options>): Promise<Deployed> {
  const { request, ambient, dryRun = false } = options
  const phases = createPhases({ clock: options.clock, signal: options.context.signal, onPhase: options.onPhase })

  const outcome = await withOpenGuest(options, dryRun ? 'scratch' : 'read-write', phases, async (guest) => {
    const { profile, diagnostics } = selectProfile(guest.facts)
    const staged = stageGuestFs(guest.fs)
    const operations = operationsFor(request, options.extraOperations)
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
      })
    }
    return {
      ...result,
      growth,
      facts: guest.facts,
      storage: guest.mounted.storage,
      session: about(guest.session),
      diagnostics: [...guest.mounted.diagnostics, ...diagnostics],
    }
  })

  const diagnostics = [...(options.requestDiagnostics ?? []), ...outcome.session.diagnostics, ...outcome.diagnostics]
  const report = buildDeployReport({
    ...outcome,
    driver: options.driver.name,
    image: options.image,
    request,
    dryRun,
    diagnostics,
    timings: phases.timings,
  })
  return { report, diff: outcome.diff }
}

async function growPlan({ session, storage, mounted }: OpenGuest, request: DeployRequest): Promise<GrowPlan> {
  const partition = request.growpart !== undefined && request.growpart.mode !== 'off'
  const filesystem = request.resize_rootfs ?? partition
  if (!partition && !filesystem) return { steps: [], diagnostics: [] }
  return planGrow(session.toolHost, storage, mounted, { partition, filesystem })
}

const about = ({ info, diagnostics }: DriverSession) => ({ info, diagnostics })
