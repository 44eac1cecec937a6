import { OperationError } from '@host-deployer/driver-api'
import type { GuestFs } from '@host-deployer/guest-fs'
import type { GuestFacts } from '@host-deployer/os-detect'
import type { DistroProfile } from '../distro-profile.ts'
import type { BackendPresence, NetworkBackend } from './backend.ts'
import { ifupdown } from './backends/ifupdown.ts'
import { netplan } from './backends/netplan.ts'
import { networkd } from './backends/networkd.ts'

/** Every backend there is. */
export const networkBackends: readonly NetworkBackend[] = [netplan, networkd, ifupdown]

export interface SelectedBackend {
  readonly backend: NetworkBackend
  readonly presence: BackendPresence
}

/**
 * The backend of the manager the image has: of the profile's list the first one that is enabled, else the first one that is installed.
 * `OPERATION_NETWORK_UNSUPPORTED` when the image has none of them.
 */
export async function selectNetworkBackend(
  profile: Pick<DistroProfile, 'networkBackends'>,
  facts: GuestFacts,
  fs: GuestFs,
  backends: readonly NetworkBackend[] = networkBackends,
): Promise<SelectedBackend> {
  const found: SelectedBackend[] = []
  for (const id of profile.networkBackends) {
    const backend = backends.find((candidate) => candidate.id === id)
    if (backend !== undefined) found.push({ backend, presence: await backend.detect(facts, fs) })
  }
  const selected = found.find(({ presence }) => presence === 'enabled') ?? found.find(({ presence }) => presence === 'installed')
  if (selected !== undefined) return selected
  throw new OperationError('OPERATION_NETWORK_UNSUPPORTED', 'The image has no network manager that can be configured', {
    hint: `Install one of ${backends.map(({ id }) => id).join(', ')} in the image, or leave network out of the request.`,
    context: { found: [...facts.networkManagers], tried: [...profile.networkBackends] },
  })
}
