import { getShellValue, parseShellAssignments } from '@host-deployer/formats'
import { type GuestFs, guestPath } from '@host-deployer/guest-fs'
import { detectArch } from './detect-arch.ts'
import { type BootEvidence, detectBootLoaders, detectFirmware, detectKernels } from './detect-boot.ts'
import { detectCloudInit } from './detect-cloud-init.ts'
import { detectInit, detectSystemdVersion } from './detect-init.ts'
import { detectNetworkManagers, detectResolver } from './detect-network.ts'
import { detectPackages } from './detect-packages.ts'
import { detectRelease } from './detect-release.ts'
import { createEvidence, type Evidence, plainText } from './evidence.ts'
import type { GuestFacts } from './facts.ts'

// Small directories that answer many questions at once, and the files that are read in any case.
const directories = [
  '/',
  '/etc',
  '/boot',
  '/boot/grub',
  '/lib/modules',
  '/usr/lib/systemd',
  '/etc/systemd/system',
  '/etc/systemd/system/multi-user.target.wants',
  '/etc/systemd/system/sysinit.target.wants',
  '/etc/systemd/network',
  '/etc/network',
  '/etc/cloud/cloud.cfg.d',
]
const files = ['/etc/os-release', '/etc/debian_version', '/etc/lsb-release', '/etc/hostname', '/usr/bin/true', '/etc/cloud/cloud.cfg']

/**
 * Reads evidence, changes nothing, and never throws for what a file says: only `FsError` of the kind `io` and errors of the transport pass. Text
 * is freed of control characters and cut to a sane length; files bigger than their kind ever is are not read.
 */
export async function detectGuest(fs: GuestFs, boot?: BootEvidence): Promise<GuestFacts> {
  await fs.prefetch({ directories: directories.map(guestPath), files: files.map(guestPath) })
  const evidence = createEvidence(fs)
  const archFound = detectArch(evidence)
  const [
    release,
    arch,
    hostname,
    initSystem,
    systemdVersion,
    packages,
    networkManagers,
    resolver,
    firmware,
    bootLoaders,
    selinux,
    cloudInit,
    sshServer,
    kernels,
  ] = await Promise.all([
    detectRelease(evidence),
    archFound,
    detectHostname(evidence),
    detectInit(evidence),
    archFound.then((arch) => detectSystemdVersion(evidence, arch)),
    detectPackages(evidence),
    detectNetworkManagers(evidence),
    detectResolver(evidence),
    archFound.then((arch) => detectFirmware(evidence, boot, arch)),
    detectBootLoaders(evidence),
    detectSelinux(evidence),
    detectCloudInit(evidence),
    detectSshServer(evidence),
    detectKernels(evidence),
  ])
  return freeze({
    ...release,
    arch,
    hostname,
    initSystem,
    systemdVersion: initSystem === 'systemd' ? systemdVersion : null,
    ...packages,
    networkManagers,
    resolver,
    firmware,
    bootLoaders,
    selinux,
    cloudInit,
    sshServer,
    kernels,
  })
}

/** hostname(5), and where SUSE and Red Hat had it before. */
async function detectHostname(evidence: Evidence): Promise<string | null> {
  const [etc, suse, redHat] = await Promise.all(['/etc/hostname', '/etc/HOSTNAME', '/etc/sysconfig/network'].map(evidence.text))
  const first = (text: string | null | undefined) =>
    plainText((text ?? '').split('\n').find((line) => line.trim() !== '' && !line.trim().startsWith('#')) ?? '')
  return first(etc) || first(suse) || plainText(getShellValue(parseShellAssignments(redHat ?? ''), 'HOSTNAME') ?? '') || null
}

/** selinux(8): no configuration file, no SELinux. */
async function detectSelinux(evidence: Evidence): Promise<GuestFacts['selinux']> {
  const text = await evidence.text('/etc/selinux/config')
  if (text === null) return 'absent'
  const mode = /^\s*SELINUX=(\w+)/m.exec(text)?.[1]?.toLowerCase()
  return mode === 'enforcing' || mode === 'permissive' ? mode : 'disabled'
}

async function detectSshServer(evidence: Evidence): Promise<GuestFacts['sshServer']> {
  if (await evidence.hasAny('/usr/sbin/sshd', '/usr/bin/sshd', '/sbin/sshd')) return 'openssh'
  return (await evidence.hasAny('/usr/sbin/dropbear', '/usr/bin/dropbear')) ? 'dropbear' : 'absent'
}

function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const part of Object.values(value)) freeze(part)
  return Object.freeze(value)
}
