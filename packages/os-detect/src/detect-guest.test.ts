import { FsError, toolPath } from '@host-deployer/driver-api'
import { createMemoryRawFs, loadTree, openGuestFs, type TreeManifest } from '@host-deployer/guest-fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { detectGuest } from './detect-guest.ts'

const root = toolPath('/')

async function detect(manifest: TreeManifest, boot?: Parameters<typeof detectGuest>[1]) {
  const fs = createMemoryRawFs()
  await loadTree(fs, root, manifest)
  return detectGuest(openGuestFs({ fs, root }), boot)
}

const file = (content: string) => ({ content })
const program = { content: '', mode: 0o755 }

function elf(bits: 1 | 2, machine: number, littleEndian = true): Uint8Array {
  const bytes = new Uint8Array(64)
  bytes.set([0x7f, 0x45, 0x4c, 0x46, bits, littleEndian ? 1 : 2, 1])
  new DataView(bytes.buffer).setUint16(18, machine, littleEndian)
  return bytes
}

test('an empty tree is unknown in every respect', async () => {
  expect(await detect({})).toEqual({
    id: 'unknown',
    idLike: [],
    version: '',
    major: null,
    minor: null,
    codename: null,
    productName: 'unknown',
    arch: null,
    hostname: null,
    initSystem: 'unknown',
    systemdVersion: null,
    packageFormat: 'unknown',
    packageManager: null,
    networkManagers: [],
    resolver: { systemdResolved: false, resolvconf: false },
    firmware: { bios: false, uefi: false },
    bootLoaders: [],
    selinux: 'absent',
    cloudInit: { installed: false, disabled: false, datasources: null, defaultUser: null },
    sshServer: 'absent',
    kernels: [],
  })
})

test('facts cannot be changed', async () => {
  const facts = await detect({ '/etc/os-release': file('ID=x\nID_LIKE="y z"\n') })
  expect(Object.isFrozen(facts) && Object.isFrozen(facts.idLike) && Object.isFrozen(facts.cloudInit)).toBe(true)
  expect(facts).toMatchObject({ id: 'x', idLike: ['y', 'z'] })
})

test.each([
  ['/etc/centos-release', 'CentOS release 6.10 (Final)\n', 'centos', 6, 10],
  ['/etc/redhat-release', 'Red Hat Enterprise Linux Server release 5.11 (Tikanga)\n', 'rhel', 5, 11],
  ['/etc/alpine-release', '3.4.6\n', 'alpine', 3, 4],
  ['/etc/debian_version', '6.0.10\n', 'debian', 6, 0],
  ['/etc/lsb-release', 'DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=10.04\n', 'ubuntu', 10, 4],
])('a system older than os-release is known by %s', async (path, text, id, major, minor) => {
  expect(await detect({ [path]: file(text) })).toMatchObject({ id, major, minor })
})

test('a release under way has a code name and no number', async () => {
  expect(await detect({ '/etc/os-release': file('ID=debian\n'), '/etc/debian_version': file('forky/sid\n') })).toMatchObject({
    id: 'debian',
    major: null,
    codename: 'forky',
  })
})

test.each([
  [elf(2, 62), 'x86_64'],
  [elf(1, 3), 'i686'],
  [elf(2, 183), 'aarch64'],
  [elf(2, 243), 'riscv64'],
  [elf(2, 21), 'ppc64le'],
  [elf(2, 22, false), 's390x'],
  [elf(2, 9999), null],
  [new Uint8Array([0x7f, 0x45]), null],
])('the architecture is in the header of a program (%#)', async (content, arch) => {
  expect((await detect({ '/usr/bin/true': { content } })).arch).toBe(arch)
})

test('where programs are scripts, the loader tells the architecture', async () => {
  expect((await detect({ '/usr/bin/true': file('#!/bin/sh\n'), '/lib/ld-musl-aarch64.so.1': program })).arch).toBe('aarch64')
})

test.each([
  ['openrc', { '/sbin/init': { link: '/bin/busybox' }, '/bin/busybox': program, '/sbin/openrc': program }],
  ['busybox', { '/sbin/init': { link: '/bin/busybox' }, '/bin/busybox': program }],
  ['sysvinit', { '/sbin/init': program, '/lib/systemd/systemd': program }],
  ['systemd', { '/sbin/init': { link: '../lib/systemd/systemd' }, '/lib/systemd/systemd': program }],
  ['systemd', { '/usr/lib/systemd/systemd': program }],
] satisfies [string, TreeManifest][])('process 1 is %s (%#)', async (initSystem, manifest) => {
  expect((await detect(manifest)).initSystem).toBe(initSystem)
})

test('systemd-networkd counts when enabled, configured, or alone', async () => {
  const networkd = { '/usr/lib/systemd/systemd-networkd': program }
  const ifupdown = { '/sbin/ifup': program, '/etc/network': { directory: true } } as const
  const wanted = {
    '/etc/systemd/system/multi-user.target.wants/systemd-networkd.service': { link: '/lib/systemd/system/systemd-networkd.service' },
  }
  expect((await detect(networkd)).networkManagers).toEqual(['networkd'])
  expect((await detect({ ...networkd, ...ifupdown })).networkManagers).toEqual(['ifupdown'])
  expect((await detect({ ...networkd, ...ifupdown, ...wanted })).networkManagers).toEqual(['networkd', 'ifupdown'])
  expect((await detect({ ...networkd, ...ifupdown, '/etc/systemd/network/10-x.network': file('') })).networkManagers).toEqual([
    'networkd',
    'ifupdown',
  ])
})

test('resolvectl under the name of resolvconf is not resolvconf', async () => {
  const resolvectl = { '/usr/bin/resolvectl': program, '/usr/sbin/resolvconf': { link: '../bin/resolvectl' } }
  expect((await detect(resolvectl)).resolver.resolvconf).toBe(false)
  expect((await detect({ '/sbin/resolvconf': program })).resolver.resolvconf).toBe(true)
})

test('firmware is told by files and by the partition table', async () => {
  const grub = { '/boot/grub/grub.cfg': file('') }
  const table = { esp: false, biosBootPartition: false, mbr: false }
  expect((await detect(grub, { ...table, mbr: true })).firmware).toEqual({ bios: true, uefi: false })
  expect((await detect(grub, { ...table, esp: true })).firmware).toEqual({ bios: false, uefi: true })
  expect((await detect(grub, { esp: true, biosBootPartition: true, mbr: false })).firmware).toEqual({ bios: true, uefi: true })
  expect((await detect({ ...grub, '/usr/bin/true': { content: elf(2, 183) } }, { ...table, mbr: true })).firmware.bios).toBe(false)
})

test('the last of cloud-init’s files decides', async () => {
  const facts = await detect({
    '/usr/bin/cloud-init': program,
    '/etc/cloud/cloud.cfg': file('datasource_list: [A]\nsystem_info: {default_user: {name: first}}\n'),
    '/etc/cloud/cloud.cfg.d/20-b.cfg': file('datasource_list: [B, None]\n'),
    '/etc/cloud/cloud.cfg.d/10-a.cfg': file('datasource_list: [C]\nsystem_info: {default_user: {name: second}}\n'),
    '/etc/cloud/cloud.cfg.d/90-not-read': file('datasource_list: [D]\n'),
    '/etc/cloud/cloud.cfg.d/95-broken.cfg': file('{{{'),
    '/etc/cloud/cloud-init.disabled': file(''),
  })
  expect(facts.cloudInit).toEqual({ installed: true, disabled: true, datasources: ['B', 'None'], defaultUser: 'second' })
})

test('terminal escapes, line tricks and huge files do not get into the facts', async () => {
  const facts = await detect({
    '/etc/os-release': file('ID="../EVIL\x1b[2J"\nVERSION_ID="1\x07"\nPRETTY_NAME="\x1b]0;x\x07Nice\u202e OS\x9b"\n'),
    '/etc/hostname': file(`a\x00b\r\n`),
  })
  expect(facts).toMatchObject({ id: '..evil2j', version: '1', productName: ']0;xNice OS', hostname: 'ab' })
  expect(await detect({ '/etc/os-release': { content: new Uint8Array(200_000).fill(65) } })).toMatchObject({ id: 'unknown' })
})

test('links that loop and lead outside are no evidence', async () => {
  const facts = await detect({
    '/etc/os-release': { link: 'os-release' },
    '/usr/lib/os-release': { link: '../../../../../../etc/shadow' },
    '/usr/bin/true': { special: 'fifo' },
    '/sbin/init': { link: '/sbin/init' },
    '/etc/cloud/cloud.cfg.d': { link: '/' },
  })
  expect(facts).toMatchObject({ id: 'unknown', arch: null, initSystem: 'unknown' })
})

test('an error of the transport is not taken for an answer', async () => {
  const fs = createMemoryRawFs()
  await loadTree(fs, root, { '/etc/os-release': file('ID=x\n') })
  fs.intercept(({ method }) => (method === 'readFile' ? 'io' : undefined))
  const error = await detectGuest(openGuestFs({ fs, root })).catch((reason: unknown) => reason)
  expect(FsError.is(error, 'io')).toBe(true)
})

test('junk in every file that is read makes facts, not errors', async () => {
  const paths = [
    '/etc/os-release',
    '/etc/lsb-release',
    '/etc/debian_version',
    '/etc/redhat-release',
    '/etc/hostname',
    '/etc/sysconfig/network',
    '/etc/selinux/config',
    '/etc/cloud/cloud.cfg',
    '/etc/cloud/cloud.cfg.d/50-junk.cfg',
    '/usr/bin/true',
  ]
  const junk = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc
      .array(fc.constantFrom('ID', '=', '"', "'", '\\', '\n', '$', '`', ' ', ':', '[', '&a', '*a', '{', '\x1b', '12', '\u{1f600}'), {
        maxLength: 60,
      })
      .map((parts) => new TextEncoder().encode(parts.join(''))),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(junk, { minLength: paths.length, maxLength: paths.length }), async (contents) => {
      const manifest = Object.fromEntries(paths.map((path, index) => [path, { content: contents[index] ?? '' }]))
      const facts = await detect(manifest)
      expect(facts.id).toMatch(/^[a-z0-9._-]{1,64}$/)
      for (const text of [
        facts.productName,
        facts.version,
        facts.hostname ?? '',
        ...facts.idLike,
        ...(facts.cloudInit.datasources ?? []),
      ]) {
        expect(text).not.toMatch(/[\x00-\x1f\x7f-\x9f]/)
        expect(text.length).toBeLessThanOrEqual(256)
      }
    }),
    { numRuns: 150 },
  )
})
