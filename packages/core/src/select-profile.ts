import { type Diagnostic, GuestError } from '@host-deployer/driver-api'
import type { GuestFacts } from '@host-deployer/os-detect'
import type { DistroProfile } from './distro-profile.ts'
import { distros } from './distros/index.ts'

export interface SelectedProfile {
  readonly profile: DistroProfile
  readonly diagnostics: readonly Diagnostic[]
}

/**
 * The profile that fits the guest: its own, else that of the nearest relative in `ID_LIKE`, with the diagnostic `PROFILE_BY_FAMILY`.
 * Throws `GuestError` `GUEST_UNSUPPORTED` when none fits.
 */
export function selectProfile(facts: GuestFacts, profiles: readonly DistroProfile[] = distros): SelectedProfile {
  const own = profiles.find((profile) => profile.match(facts) === 2)
  if (own !== undefined) return { profile: own, diagnostics: [] }
  const distance = ({ id }: DistroProfile) => (facts.idLike.includes(id) ? facts.idLike.indexOf(id) : facts.idLike.length)
  const [relative] = profiles.filter((profile) => profile.match(facts) === 1).sort((a, b) => distance(a) - distance(b))
  if (relative === undefined) {
    throw new GuestError('GUEST_UNSUPPORTED', `No profile fits the guest: ${JSON.stringify(facts.productName || facts.id)}`, {
      hint: `Known are ${profiles.map(({ id }) => id).join(', ')} and what names one of them in the ID_LIKE of its os-release.`,
      context: { id: facts.id, idLike: facts.idLike },
    })
  }
  const diagnostic: Diagnostic = {
    severity: 'info',
    code: 'PROFILE_BY_FAMILY',
    summary: `${facts.id} is not known by name and is treated as ${relative.id}`,
    path: '/etc/os-release',
  }
  return { profile: relative, diagnostics: [diagnostic] }
}
