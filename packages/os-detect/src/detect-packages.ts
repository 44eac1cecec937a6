import type { Evidence } from './evidence.ts'
import type { GuestFacts } from './facts.ts'

type Packages = Pick<GuestFacts, 'packageFormat' | 'packageManager'>

/** Package format by its data base, package manager by its program. A data base with a manager wins over one without: `rpm` installs on Debian, too. */
const formats = [
  { format: 'deb', database: ['/var/lib/dpkg/status'], managers: [['/usr/bin/apt-get', 'apt']] },
  {
    format: 'rpm',
    database: ['/var/lib/rpm', '/usr/lib/sysimage/rpm'],
    managers: [
      ['/usr/bin/dnf', 'dnf'],
      ['/usr/bin/zypper', 'zypper'],
      ['/usr/bin/yum', 'yum'],
      ['/usr/bin/tdnf', 'tdnf'],
      ['/usr/bin/microdnf', 'microdnf'],
    ],
  },
  { format: 'apk', database: ['/lib/apk/db', '/usr/lib/apk/db'], managers: [['/sbin/apk', 'apk']] },
  { format: 'pacman', database: ['/var/lib/pacman'], managers: [['/usr/bin/pacman', 'pacman']] },
  { format: 'portage', database: ['/var/db/pkg'], managers: [['/usr/bin/emerge', 'emerge']] },
] as const

export async function detectPackages(evidence: Evidence): Promise<Packages> {
  const found = await Promise.all(
    formats.map(async ({ format, database, managers }) => {
      const [there, ...programs] = await Promise.all([evidence.hasAny(...database), ...managers.map(([path]) => evidence.has(path))])
      return there ? { packageFormat: format, packageManager: managers[programs.indexOf(true)]?.[1] ?? null } : null
    }),
  )
  const present = found.filter((packages) => packages !== null)
  return present.find(({ packageManager }) => packageManager !== null) ?? present[0] ?? { packageFormat: 'unknown', packageManager: null }
}
