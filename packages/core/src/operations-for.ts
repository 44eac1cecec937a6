import type { DeployRequest } from '@host-deployer/api'
import type { Operation } from './operation.ts'
import { operations } from './operations/index.ts'

/** `delegate` leaves everything to the guest's own cloud-init: only the seed is written. */
export function operationsFor(request: DeployRequest, extra: readonly Operation[] = []): readonly Operation[] {
  const all = [...operations, ...extra]
  return request.cloud_init === 'delegate' ? all.filter(({ id }) => id === 'cloud-init') : all
}
