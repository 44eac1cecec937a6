import { parseLsbRelease, parseOsRelease } from '@host-deployer/formats'
import { type Evidence, plainId, plainText } from './evidence.ts'
import type { GuestFacts } from './facts.ts'
import { readLegacyRelease } from './legacy-release.ts'

export type Release = Pick<GuestFacts, 'id' | 'idLike' | 'version' | 'major' | 'minor' | 'codename' | 'productName'>

/** os-release(5) first; lsb-release and the release files of older systems fill in what it does not say. */
export async function detectRelease(evidence: Evidence): Promise<Release> {
  const [etc, lib, lsbText, debianVersion, legacy] = await Promise.all([
    evidence.text('/etc/os-release'),
    evidence.text('/usr/lib/os-release'),
    evidence.text('/etc/lsb-release'),
    evidence.text('/etc/debian_version'),
    readLegacyRelease(evidence),
  ])
  const os = parseOsRelease(etc ?? lib ?? '')
  const lsb = parseLsbRelease(lsbText ?? '')
  const id = (os.fields.get('ID') && plainId(os.id)) || (lsb.distributorId && plainId(lsb.distributorId)) || legacy?.id || 'unknown'
  const version = plainText(os.versionId ?? lsb.release ?? legacy?.version ?? '')
  const { major, minor } = numbers(version, plainText(debianVersion ?? ''))
  return {
    id,
    idLike: os.idLike.flatMap((like) => plainId(like) ?? []).slice(0, 16),
    version,
    major,
    minor,
    codename: orNull(os.versionCodename ?? os.fields.get('UBUNTU_CODENAME') ?? lsb.codename ?? legacy?.codename ?? upcoming(debianVersion)),
    productName: orNull(os.prettyName ?? lsb.description ?? legacy?.productName) ?? (os.fields.has('NAME') ? plainText(os.name) : id),
  }
}

const orNull = (text: string | null | undefined): string | null => (text ? plainText(text) || null : null)

// A release under way says "trixie/sid" where a finished one has its number.
const upcoming = (debianVersion: string | null): string | null => /^([a-z]+)\/sid\s*$/.exec(debianVersion ?? '')?.[1] ?? null

/** `12` with a debian_version of `12.15` is 12, 15; `24.04` is 24, 4. */
function numbers(version: string, debianVersion: string): { major: number | null; minor: number | null } {
  const full = version !== '' && debianVersion.startsWith(`${version}.`) ? debianVersion : version
  const [, major, minor] = /^(\d{1,9})(?:\.(\d{1,9}))?/.exec(full) ?? []
  return { major: major === undefined ? null : Number(major), minor: minor === undefined ? null : Number(minor) }
}
