import { type Evidence, plainText } from './evidence.ts'

export interface LegacyRelease {
  readonly id: string
  readonly version: string | null
  readonly codename: string | null
  readonly productName: string | null
}

/** Files from before os-release(5) (2012), by what they are the sign of. The first one that is there decides: relatives ship their head's file, too. */
const files = [
  { path: '/etc/centos-release', ids: [[/^CentOS/i, 'centos']] },
  { path: '/etc/oracle-release', ids: [[/^Oracle/i, 'ol']] },
  { path: '/etc/fedora-release', ids: [[/^Fedora/i, 'fedora']] },
  {
    path: '/etc/redhat-release',
    ids: [
      [/^CentOS/i, 'centos'],
      [/^Scientific/i, 'scientific'],
      [/^Red Hat/i, 'rhel'],
    ],
  },
  {
    path: '/etc/SuSE-release',
    ids: [
      [/^openSUSE/i, 'opensuse'],
      [/^SUSE/i, 'sles'],
    ],
  },
  { path: '/etc/alpine-release', ids: [[/^\d/, 'alpine']] },
  { path: '/etc/arch-release', ids: [[/^/, 'arch']] },
  { path: '/etc/gentoo-release', ids: [[/^Gentoo/i, 'gentoo']] },
  { path: '/etc/debian_version', ids: [[/^/, 'debian']] },
] as const satisfies readonly { path: string; ids: readonly (readonly [RegExp, string])[] }[]

/** `CentOS release 6.10 (Final)`, `Red Hat Enterprise Linux Server release 5.11 (Tikanga)`, `3.4.6`. */
export async function readLegacyRelease(evidence: Evidence): Promise<LegacyRelease | null> {
  const texts = await Promise.all(files.map(({ path }) => evidence.text(path)))
  for (const [index, { ids }] of files.entries()) {
    const text = texts[index]
    if (text === null || text === undefined) continue
    const line = plainText(text.split('\n', 1)[0] ?? '')
    const id = ids.find(([pattern]) => pattern.test(line))?.[1]
    if (id === undefined) continue
    return {
      id,
      version: /(?:^|release\s+|\s)(\d+(?:\.\d+)*)/i.exec(line)?.[1] ?? null,
      codename: /\(([^()]{1,64})\)\s*$/.exec(line)?.[1] ?? null,
      productName: /[A-Za-z]{3}/.test(line) ? line : null,
    }
  }
  return null
}
