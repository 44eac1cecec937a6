import { toolPath } from '@host-deployer/driver-api'
import { openGuestFs } from '@host-deployer/guest-fs'
import { detectGuest } from '@host-deployer/os-detect'
import { expect, test } from 'vitest'
import { loadPhonyGuest, phonyGuestIds } from './phony-guest.ts'

const facts = async (id: string) => detectGuest(openGuestFs({ fs: await loadPhonyGuest(id), root: toolPath('/') }))

test.each([
  ['debian-10', '10', 10, 13, 'buster', 241, ['ifupdown'], 'absent'],
  ['debian-11', '11', 11, 11, 'bullseye', 247, ['ifupdown'], 'absent'],
  ['debian-12', '12', 12, 15, 'bookworm', 252, ['ifupdown'], 'absent'],
  ['debian-12-cloud', '12', 12, 15, 'bookworm', 252, ['netplan', 'networkd'], 'debian'],
  ['debian-13', '13', 13, 7, 'trixie', 257, ['ifupdown'], 'absent'],
  ['ubuntu-18.04', '18.04', 18, 4, 'bionic', 237, ['netplan', 'networkd'], 'absent'],
  ['ubuntu-20.04', '20.04', 20, 4, 'focal', 245, ['netplan', 'networkd'], 'absent'],
  ['ubuntu-22.04', '22.04', 22, 4, 'jammy', 249, ['netplan', 'networkd'], 'absent'],
  ['ubuntu-24.04', '24.04', 24, 4, 'noble', 255, ['netplan', 'networkd'], 'absent'],
  ['ubuntu-24.04-cloud', '24.04', 24, 4, 'noble', 255, ['netplan', 'networkd'], 'ubuntu'],
] as const)('%s is what it looks like', async (id, version, major, minor, codename, systemdVersion, networkManagers, cloudUser) => {
  const found = await facts(id)
  expect(found).toMatchObject({
    id: id.split('-')[0],
    version,
    major,
    minor,
    codename,
    arch: 'x86_64',
    initSystem: 'systemd',
    systemdVersion,
    packageFormat: 'deb',
    packageManager: 'apt',
    networkManagers,
    resolver: { systemdResolved: networkManagers[0] === 'netplan', resolvconf: false },
    bootLoaders: ['grub'],
    selinux: 'absent',
    sshServer: 'openssh',
    cloudInit: { installed: cloudUser !== 'absent', disabled: false, defaultUser: cloudUser === 'absent' ? null : cloudUser },
  })
  expect(found.firmware).toEqual({ bios: true, uefi: !/^debian-1\d$/.test(id) })
})

test('details differ as the releases do', async () => {
  expect((await facts('debian-11')).kernels).toEqual(['5.10.0-8-amd64', '5.10.0-32-amd64'])
  expect((await facts('ubuntu-24.04-cloud')).cloudInit.datasources?.slice(0, 2)).toEqual(['NoCloud', 'ConfigDrive'])
  expect((await facts('debian-12-cloud')).cloudInit.datasources).toBeNull()
  expect((await facts('ubuntu-22.04')).idLike).toEqual(['debian'])
  expect((await facts('debian-13')).hostname).toBe('trixie')
})

test('no guest is without a line above', () => expect(phonyGuestIds()).toHaveLength(10))
