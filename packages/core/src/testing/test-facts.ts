import type { GuestFacts } from '@host-deployer/os-detect'

/** Facts of a plain server as a test needs them, without detecting: `debian-12` gives `id` and `version`. */
export function testFacts(guestId: string, facts: Partial<GuestFacts> = {}): GuestFacts {
  const [, id = guestId, version = ''] = /^([a-z]+)-([\d.]+)/.exec(guestId) ?? []
  const [major, minor] = version.split('.').map(Number)
  return {
    id,
    idLike: [],
    version,
    major: major ?? null,
    minor: minor ?? null,
    codename: null,
    productName: guestId,
    arch: 'x86_64',
    hostname: null,
    initSystem: 'systemd',
    systemdVersion: null,
    packageFormat: 'deb',
    packageManager: 'apt',
    networkManagers: ['ifupdown'],
    resolver: { systemdResolved: false, resolvconf: false },
    firmware: { bios: true, uefi: false },
    bootLoaders: ['grub'],
    selinux: 'absent',
    cloudInit: { installed: false, disabled: false, datasources: null, defaultUser: null },
    sshServer: 'openssh',
    kernels: [],
    ...facts,
  }
}
