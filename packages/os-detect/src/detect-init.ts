import type { Evidence } from './evidence.ts'
import type { GuestFacts } from './facts.ts'

/** Who is process 1. `/sbin/init` says it; a library or a package of another init system beside it does not. */
export async function detectInit(evidence: Evidence): Promise<GuestFacts['initSystem']> {
  const [init, hasInit, systemd, openrc, upstart] = await Promise.all([
    evidence.resolve('/sbin/init'),
    evidence.has('/sbin/init'),
    evidence.hasAny('/usr/lib/systemd/systemd', '/lib/systemd/systemd'),
    evidence.hasAny('/sbin/openrc', '/usr/sbin/openrc', '/sbin/openrc-init'),
    evidence.hasAny('/sbin/upstart', '/sbin/initctl'),
  ])
  if (init?.endsWith('/systemd/systemd')) return 'systemd'
  if (openrc) return 'openrc'
  if (upstart && hasInit) return 'upstart'
  if (init?.endsWith('/busybox')) return 'busybox'
  if (hasInit) return 'sysvinit'
  return systemd ? 'systemd' : 'unknown'
}

const triplets: Readonly<Record<string, string>> = {
  x86_64: 'x86_64-linux-gnu',
  i686: 'i386-linux-gnu',
  aarch64: 'aarch64-linux-gnu',
  armv7l: 'arm-linux-gnueabihf',
  riscv64: 'riscv64-linux-gnu',
  ppc64le: 'powerpc64le-linux-gnu',
  s390x: 's390x-linux-gnu',
  loongarch64: 'loongarch64-linux-gnu',
}

/** systemd's version from the name of its private library; null before there was one (230). */
export async function detectSystemdVersion(evidence: Evidence, arch: string | null): Promise<number | null> {
  const triplet = arch === null ? undefined : triplets[arch]
  const directories = ['/usr/lib/systemd', '/lib/systemd', ...(triplet === undefined ? [] : [`/usr/lib/${triplet}/systemd`])]
  const names = (await Promise.all(directories.map(evidence.names))).flat()
  const versions = names.flatMap((name) => /^libsystemd-shared-(\d{3})\D.*\bso\b/.exec(name)?.[1] ?? [])
  return versions[0] === undefined ? null : Number(versions[0])
}

/** Whether a systemd unit is enabled: wanted by something, or aliased. */
export async function isEnabled(evidence: Evidence, unit: string, aliases: readonly string[] = []): Promise<boolean> {
  const targets = ['multi-user', 'sysinit', 'network-online', 'sockets', 'basic', 'network']
  // The links themselves count, wherever they lead.
  const found = await Promise.all([
    ...targets.map(async (target) => (await evidence.names(`/etc/systemd/system/${target}.target.wants`)).includes(unit)),
    evidence.names('/etc/systemd/system').then((names) => aliases.some((alias) => names.includes(alias))),
  ])
  return found.includes(true)
}
