import type { DeployRequest } from '@host-deployer/api'
import type { Operation } from './operation.ts'
import { operations } from './operations/index.ts'

/** `delegate` leaves everything to the guest's own cloud-init: only the seed is written, into a guest that is sealed first when that is asked for. */
export function operationsFor(request: DeployRequest, extra: readonly Operation[] = []): readonly Operation[] {
  const all = [...operations, ...extra]
  return request.cloud_init === 'delegate' ? all.filter(({ id }) => id === 'cloud-init' || id === 'seal') : all
}
