import type { ToolHost } from '@host-deployer/driver-api'
import type { GrowPlan, GrowRequest } from './grow-plan.ts'
import type { MountedGuest } from './mounted-guest.ts'
import type { Storage } from './storage.ts'

/** Pure: compares what the scan found with what the root could have. An empty plan when there is nothing worth doing. */
export function planGrow(_storage: Storage, _guest: Pick<MountedGuest, 'root' | 'rootDevice'>, _request: GrowRequest): GrowPlan {
  throw new TypeError('Not written yet')
}

/** Carries out a plan while the root is mounted read-write. `BLOCK_GROW_FAILED` names the step; steps before it stay, each leaves a valid disk. */
export async function applyGrow(_toolHost: ToolHost, _plan: GrowPlan): Promise<void> {
  throw new TypeError('Not written yet')
}
