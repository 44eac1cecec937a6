import type { ProbeReport } from '@host-deployer/api'
import { type GuestTarget, type OpenGuest, withOpenGuest } from './open-guest.ts'
import { createPhases, type PhaseEvent } from './phases.ts'
import { reportVersion } from './report-version.ts'

export interface ProbeOptions<Options> extends GuestTarget<Options> {
  readonly clock: () => number
  readonly onPhase?: (event: PhaseEvent) => void
}

/**
 * Finds out what is in an image. The image is opened behind a throw-away overlay: an unfinished journal is replayed there, the image itself stays
 * byte for byte as it is, and permission to read it is enough. Rejects with `DeployError`, `BLOCK_NO_ROOT` when no operating system is found.
 */
export async function probe<Options>(options: ProbeOptions<Options>): Promise<ProbeReport> {
  const phases = createPhases({ ...options, signal: options.context.signal })
  const loadWork = async () => {
    const { factsOf, imageOf } = await import('./build-report.ts')
    return async ({ session, mounted, facts }: OpenGuest) => ({
      session,
      image: imageOf(options.image),
      facts: factsOf(facts, mounted.storage),
      diagnostics: [...session.diagnostics, ...mounted.diagnostics],
    })
  }
  const { session, ...found } = await withOpenGuest(options, 'scratch', phases, loadWork)
  return {
    schemaVersion: reportVersion,
    driver: options.driver.name,
    accelerator: session.info.accelerator,
    image: found.image,
    ...found.facts,
    diagnostics: found.diagnostics,
    timings: { ...prefixed('open', session.info.timings), ...phases.timings },
  }
}

/** The driver's own steps beside ours: `open.boot`. */
export function prefixed(phase: string, timings: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(timings).map(([step, ms]) => [`${phase}.${step}`, ms]))
}
