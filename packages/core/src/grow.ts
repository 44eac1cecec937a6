import type { GrowReport } from '@host-deployer/api'
import { BlockError } from '@host-deployer/driver-api'
import type { GuestTarget } from './open-guest.ts'
import type { PhaseEvent } from './phases.ts'

export interface GrowOptions<Options> extends GuestTarget<Options> {
  /** Monotonic milliseconds, `performance.now`. */
  readonly clock: () => number
  readonly onPhase?: ((event: PhaseEvent) => void) | undefined
}

/**
 * Lets what is on a disk fill a disk that has become larger: the last partition, LVM in it, and the file system above. Nothing to grow is a success; the
 * image stays as it is then. Rejects with `DeployError`: `BLOCK_GROW_AMBIGUOUS`, `BLOCK_GROW_FAILED`, and what scanning and mounting reject with.
 */
export async function grow<Options>(_options: GrowOptions<Options>): Promise<GrowReport> {
  throw new BlockError('BLOCK_GROW_FAILED', 'Not written yet')
}
