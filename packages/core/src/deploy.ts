import type { DeployReport, DeployRequest } from '@host-deployer/api'
import type { Diagnostic } from '@host-deployer/driver-api'
import type { TreeDiff } from '@host-deployer/guest-fs'
import { type GuestTarget, type OpenGuest, withOpenGuest } from './open-guest.ts'
import type { Ambient, Operation } from './operation.ts'
import { createPhases, type PhaseEvent } from './phases.ts'

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
  const { request, ambient, extraOperations, dryRun = false } = options
  const phases = createPhases({ ...options, signal: options.context.signal })
  const loadWork = async () => {
    const { changeGuest } = await import('./change-guest.ts')
    return (guest: OpenGuest) => changeGuest(guest, phases, { request, dryRun, ambient, extraOperations })
  }
  const outcome = await withOpenGuest(options, dryRun ? 'scratch' : 'read-write', phases, loadWork)

  const { buildDeployReport } = await import('./build-report.ts')
  const report = buildDeployReport({
    ...outcome,
    driver: options.driver.name,
    image: options.image,
    request,
    dryRun,
    diagnostics: [...(options.requestDiagnostics ?? []), ...outcome.diagnostics],
    timings: phases.timings,
  })
  return { report, diff: outcome.diff }
}
