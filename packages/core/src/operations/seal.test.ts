import { describe, expect, test } from 'vitest'
import { cloudConfig, testKeys } from '../testing/requests.ts'
import { createTestGuest, type TestGuestOptions } from '../testing/test-guest.ts'

const request = cloudConfig('seal: true')

const used = (path: string) => ({ content: `used ${path}\n`, mode: 0o600 })

const identity = [
  '/etc/ssh/ssh_host_rsa_key',
  '/etc/ssh/ssh_host_ed25519_key-cert.pub',
  '/var/lib/dbus/machine-id',
  '/var/lib/systemd/random-seed',
  '/var/lib/systemd/credential.secret',
  '/var/lib/dhcp/dhclient.eth0.leases',
  '/var/lib/NetworkManager/secret_key',
  '/var/lib/cloud/instances/i-1/user-data.txt',
  '/var/lib/cloud/seed/nocloud/meta-data',
  '/var/lib/host-deployer/scripts/user-data',
  '/var/lib/host-deployer/first-boot/late-commands.sh',
  '/var/log/journal/0123456789abcdef0123456789abcdef/system.journal',
  '/var/log/syslog.1',
  '/var/log/apt/history.log.2.gz',
  '/var/log/dnf.log-20260101',
  '/var/crash/vmcore/dump',
  '/var/cache/apt/archives/bash_5_amd64.deb',
  '/var/cache/apt/pkgcache.bin',
  '/etc/udev/rules.d/70-persistent-net.rules',
  '/tmp/a/b/c',
  '/var/tmp/.hidden',
  '/root/.bash_history',
  '/home/ann/.zsh_history',
  '/home/ann/.local/share/fish/fish_history',
]

const kept = {
  '/root/.ssh/authorized_keys': `${testKeys.alice}\n`,
  '/etc/network/interfaces': 'auto lo\n',
  '/etc/netplan/50.yaml': 'network: {version: 2}\n',
  '/etc/udev/rules.d/75-persistent-net-generator.rules': '',
  '/home/ann/.bashrc': 'x\n',
  '/home/ann/notes.log.1': 'x\n',
  '/var/cache/apt/archives/lock': '',
  '/var/lib/apt/lists/deb.example_Packages': 'x\n',
  '/etc/cloud/cloud.cfg.d/10-own.cfg': 'x: 1\n',
}

const emptied = ['/var/log/syslog', '/var/log/wtmp', '/var/log/private/x/y.log']

const tree: TestGuestOptions['tree'] = {
  ...Object.fromEntries([...identity, ...emptied].map((path) => [path, used(path)])),
  ...Object.fromEntries(Object.entries(kept).map(([path, content]) => [path, { content }])),
  '/var/log/syslog': { content: 'x', mode: 0o640, uid: 3, gid: 4 },
  '/etc/machine-id': { content: '0123456789abcdef0123456789abcdef\n', mode: 0o444 },
  '/home/ann/.bash_history': { link: '/dev/null' },
}

async function sealable(more: TestGuestOptions['tree'] = {}) {
  const plain = await createTestGuest('debian-12')
  const passwd = `${await plain.read('/etc/passwd')}ann:x:1000:1000::/home/ann:/bin/bash\n`
  return createTestGuest('debian-12', { tree: { ...tree, '/etc/passwd': { content: passwd }, ...more } })
}

describe('seal', () => {
  test('what only one machine may have is gone, what many may have is there', async () => {
    const guest = await sealable()
    const { diff } = await guest.deploy(request)
    for (const path of identity) expect([path, await guest.read(path)]).toEqual([path, undefined])
    for (const path of emptied) expect([path, await guest.read(path)]).toEqual([path, ''])
    for (const [path, content] of Object.entries(kept)) expect([path, await guest.read(path)]).toEqual([path, content])
    expect(await guest.read('/etc/machine-id')).toBe('')
    expect(await guest.access('/etc/machine-id')).toBe('0444 0:0')
    expect(await guest.access('/var/log/syslog')).toBe('0640 3:4')
    expect(await guest.access('/tmp')).toBe('1777 0:0')
    expect(diff.filter(({ kind }) => kind === 'removed').every(({ sensitive }) => sensitive)).toBe(true)
  })

  test('once is enough', async () => {
    const guest = await sealable()
    expect(await guest.deploy(request)).toMatchObject({
      reports: expect.arrayContaining([expect.objectContaining({ id: 'seal', outcome: 'changed' })]),
    })
    const { diff, reports } = await guest.stage(request)
    expect(diff).toEqual([])
    expect(reports.map(({ id, outcome }) => `${id} ${outcome}`)).toContain('seal unchanged')
    expect(reports.map(({ outcome }) => outcome)).not.toContain('changed')
  })

  test('host keys come back at the first boot, before sshd', async () => {
    const guest = await sealable()
    const { reports } = await guest.deploy(request)
    expect(reports).toMatchObject(expect.arrayContaining([expect.objectContaining({ id: 'first-boot', outcome: 'staged-first-boot' })]))
    expect(await guest.read('/var/lib/host-deployer/first-boot/early-commands.sh')).toBe("#!/bin/sh\n'ssh-keygen' '-A'\n")
    expect(await guest.read('/etc/systemd/system/sysinit.target.wants/host-deployer-first-boot-early.service')).toMatch(
      /Before=.*sysinit.target/,
    )
  })

  test('a deploy of the sealed guest does not lose them', async () => {
    const guest = await sealable()
    await guest.deploy(request)
    await guest.deploy(cloudConfig('bootcmd: [echo a]'))
    expect(await guest.read('/var/lib/host-deployer/first-boot/early-commands.sh')).toBe("#!/bin/sh\n'ssh-keygen' '-A'\necho a\n")
  })

  test('a guest that makes its host keys itself is left to it', async () => {
    const guest = await sealable({ '/usr/lib/systemd/system/sshd-keygen.service': { content: '[Unit]\n' } })
    await guest.deploy(request)
    expect(await guest.read('/var/lib/host-deployer/first-boot/early-commands.sh')).toBeUndefined()
  })

  test('what the same request wants at the first boot stays, what an earlier one wanted goes', async () => {
    const guest = await sealable()
    await guest.deploy(cloudConfig('bootcmd: [echo old]\nruncmd: [echo old]'))
    await guest.deploy(cloudConfig('runcmd: [echo new]\nseal: true'))
    expect(await guest.read('/var/lib/host-deployer/first-boot/early-commands.sh')).toBe("#!/bin/sh\n'ssh-keygen' '-A'\n")
    expect(await guest.read('/var/lib/host-deployer/first-boot/late-commands.sh')).toBe('#!/bin/sh\necho new\n')
  })

  test('links are not followed out of the places', async () => {
    const guest = await sealable({
      '/var/tmp': { link: '/etc' },
      '/var/tmp/.hidden': undefined,
      '/var/lib/dhcp': { link: '/etc' },
      '/var/lib/dhcp/dhclient.eth0.leases': undefined,
      '/var/crash': { link: 'crash' },
      '/var/crash/vmcore/dump': undefined,
      '/var/log/elsewhere': { link: '/etc/passwd' },
      '/var/lib/dbus/machine-id': { link: '/etc/machine-id' },
    })
    await guest.deploy(request)
    expect(await guest.read('/etc/passwd')).toMatch(/^root:/)
    expect(await guest.read('/etc/ssh/sshd_config')).toBeDefined()
    expect(await guest.read('/var/lib/dbus/machine-id')).toBe('')
  })

  test('a machine-id that is a link to the copy of D-Bus becomes a file', async () => {
    const guest = await sealable({ '/etc/machine-id': { link: '/var/lib/dbus/machine-id' } })
    await guest.deploy(request)
    expect(await guest.read('/etc/machine-id')).toBe('')
    expect(await guest.read('/var/lib/dbus/machine-id')).toBeUndefined()
  })

  test('cloud-init may run again, with the network as it is', async () => {
    const guest = await createTestGuest('debian-12-cloud')
    await guest.deploy(cloudConfig('hostname: web\nnetwork: {version: 2, ethernets: {eth0: {dhcp4: true}}}'))
    await guest.deploy({ ...cloudConfig('ssh_pwauth: true'), cloud_init: 'disable' })
    await guest.deploy(request)
    expect(await guest.read('/etc/cloud/cloud-init.disabled')).toBeUndefined()
    const dropIn = await guest.read('/etc/cloud/cloud.cfg.d/zz-host-deployer.cfg')
    expect(dropIn?.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual(['network:', '  config: disabled'])
  })

  test('a delegated deploy keeps its seed', async () => {
    const guest = await createTestGuest('debian-12-cloud', { tree: { '/var/lib/cloud/instances/i-1/x': { content: 'x' } } })
    const delegated = { ...cloudConfig('seal: true'), cloud_init: 'delegate' } as const
    await guest.deploy(delegated)
    expect(await guest.read('/var/lib/cloud/instances/i-1/x')).toBeUndefined()
    expect(await guest.read('/var/lib/cloud/seed/nocloud/user-data')).toContain('seal')
    expect((await guest.stage(delegated)).diff).toEqual([])
  })
})
