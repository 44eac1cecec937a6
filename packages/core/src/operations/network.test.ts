import { parseRequest } from '@host-deployer/api'
import { toolPath } from '@host-deployer/driver-api'
import { describe, expect, test } from 'vitest'
import { createTestGuest } from '../testing/test-guest.ts'

type Tree = NonNullable<NonNullable<Parameters<typeof createTestGuest>[1]>['tree']>

const networkd = '/usr/lib/systemd/system/systemd-networkd.service'
const resolved = '/usr/lib/systemd/system/systemd-resolved.service'
/** No ifupdown, and networkd as its package installs it: off. */
const bare: Tree = {
  '/usr/sbin/ifup': undefined,
  '/usr/sbin/ifdown': undefined,
  '/usr/sbin/ifquery': undefined,
  '/etc/network/interfaces': undefined,
  '/usr/lib/systemd/systemd-networkd': { content: 'program', mode: 0o755 },
  [networkd]: {
    content:
      '[Unit]\n[Install]\nWantedBy=multi-user.target\nAlso=systemd-networkd.socket\nAlias=dbus-org.freedesktop.network1.service\nAlso=absent.service\n',
  },
  '/usr/lib/systemd/system/systemd-networkd.socket': { content: '[Install]\nWantedBy=sockets.target\n' },
}

async function deploy(networkConfig: string, guestId: string, tree: Tree = {}) {
  const guest = await createTestGuest(guestId, { tree })
  const { diff, reports } = await guest.deploy(parseRequest({ networkConfig }).request)
  const codes = reports.filter(({ id }) => id === 'network').flatMap(({ diagnostics }) => diagnostics.map(({ code }) => code))
  const kinds = Object.fromEntries(diff.map(({ path, kind }) => [path as string, kind]))
  return { guest, kinds, codes, outcome: reports.find(({ id }) => id === 'network')?.outcome }
}

const staticEth0 =
  'version: 2\nethernets: {eth0: {addresses: [192.0.2.10/24], gateway4: 192.0.2.1, nameservers: {addresses: [192.0.2.53]}}}'
const dhcpEth0 = 'version: 2\nethernets: {eth0: {dhcp4: true}}'

describe('an image with nothing but a networkd that is off', () => {
  test('gets it switched on, as systemctl would', async () => {
    const { kinds } = await deploy(staticEth0, 'debian-12', bare)
    expect(kinds).toMatchObject({
      '/etc/systemd/network/10-host-deployer-eth0.network': 'added',
      '/etc/systemd/system/multi-user.target.wants/systemd-networkd.service': 'added',
      '/etc/systemd/system/sockets.target.wants/systemd-networkd.socket': 'added',
      '/etc/systemd/system/dbus-org.freedesktop.network1.service': 'added',
      '/etc/resolv.conf': 'changed',
    })
  })

  test('and systemd-resolved, where it is', async () => {
    const unit = { [resolved]: { content: '[Install]\nWantedBy=sysinit.target\n' } }
    const { kinds, guest } = await deploy(dhcpEth0, 'debian-12', { ...bare, ...unit })
    expect(kinds).toMatchObject({
      '/etc/systemd/system/sysinit.target.wants/systemd-resolved.service': 'added',
      '/etc/resolv.conf': 'changed',
    })
    expect(await guest.read('/etc/resolv.conf')).toBeUndefined()
  })

  test('a masked unit is unmasked', async () => {
    const { kinds } = await deploy(staticEth0, 'debian-12', {
      ...bare,
      '/etc/systemd/system/systemd-networkd.service': { link: '/dev/null' },
    })
    expect(kinds['/etc/systemd/system/systemd-networkd.service']).toBe('removed')
  })

  test('without it, name servers of DHCP are lost, and that is said', async () => {
    expect((await deploy(dhcpEth0, 'debian-12', bare)).codes).toContain('NETWORK_DNS_UNMANAGED')
  })
})

test('an image without any manager is refused', async () => {
  const none: Tree = { ...bare, '/usr/lib/systemd/systemd-networkd': undefined, [networkd]: undefined }
  await expect(deploy(staticEth0, 'debian-12', none)).rejects.toMatchObject({ code: 'OPERATION_NETWORK_UNSUPPORTED' })
})

test('nothing that configured an interface before is left', async () => {
  const old: Tree = {
    '/etc/network/interfaces.d/50-cloud-init': { content: 'auto eth0\niface eth0 inet dhcp\n' },
    '/etc/network/interfaces.d/keep': { directory: true },
    '/etc/systemd/network/20-wired.network': { content: '[Match]\nName=e*\n[Network]\nDHCP=yes\n' },
    '/etc/systemd/network/10-mine.link': { content: '[Match]\nMACAddress=02:00:00:00:00:01\n[Link]\nName=mine\n' },
    '/etc/systemd/network/50-cloud-init-eth0.link': { content: '[Match]\n' },
    '/etc/udev/rules.d/70-persistent-net.rules': { content: 'SUBSYSTEM=="net"\n' },
  }
  const { kinds } = await deploy(staticEth0, 'debian-12', old)
  expect(kinds).toEqual({
    '/etc/network/interfaces': 'changed',
    '/etc/network/interfaces.d/50-cloud-init': 'removed',
    '/etc/systemd/network/20-wired.network': 'removed',
    '/etc/systemd/network/50-cloud-init-eth0.link': 'removed',
    '/etc/udev/rules.d/70-persistent-net.rules': 'removed',
    '/etc/resolv.conf': 'changed',
  })
})

describe('ifupdown beside netplan', () => {
  const installed: Tree = { '/usr/sbin/ifup': { content: 'program', mode: 0o755 }, '/sbin/ifup': undefined }
  const interfaces = '/etc/network/interfaces'

  test('is left with loopback only', async () => {
    const { guest } = await deploy(staticEth0, 'debian-12-cloud', {
      ...installed,
      [interfaces]: { content: 'auto lo eth0\niface lo inet loopback\niface eth0 inet dhcp\n' },
    })
    expect(await guest.read(interfaces)).not.toContain('eth0')
    expect(await guest.read(interfaces)).toContain('iface lo inet loopback\n')
  })

  test('is left alone when it has nothing else', async () => {
    const { kinds } = await deploy(staticEth0, 'debian-12-cloud', {
      ...installed,
      [interfaces]: { content: '# mine\nauto lo\niface lo inet loopback\n' },
    })
    expect(kinds[interfaces]).toBeUndefined()
  })
})

test('a link at /etc/resolv.conf that nobody will fill is replaced', async () => {
  const { guest } = await deploy(staticEth0, 'debian-12', { '/etc/resolv.conf': { link: '/run/systemd/resolve/stub-resolv.conf' } })
  expect(await guest.read('/etc/resolv.conf')).toContain('nameserver 192.0.2.53\n')
})

test('ifupdown beside systemd-resolved: the servers are told to that', async () => {
  const { guest } = await deploy(staticEth0, 'debian-12', {
    '/usr/lib/systemd/systemd-resolved': { content: 'program', mode: 0o755 },
    [resolved]: { content: '[Install]\nWantedBy=sysinit.target\n' },
    '/etc/systemd/system/sysinit.target.wants/systemd-resolved.service': { link: resolved },
    '/etc/resolv.conf': { link: '../run/systemd/resolve/stub-resolv.conf' },
  })
  expect(await guest.read('/etc/systemd/resolved.conf.d/10-host-deployer.conf')).toContain('[Resolve]\nDNS=192.0.2.53\n')
  expect(await guest.raw.readlink(toolPath('/etc/resolv.conf'))).toBe('../run/systemd/resolve/stub-resolv.conf')
})

test('NetworkManager keeps its hands off', async () => {
  const { guest } = await deploy(staticEth0, 'debian-12', { '/usr/sbin/NetworkManager': { content: 'program', mode: 0o755 } })
  expect(await guest.read('/etc/NetworkManager/conf.d/10-host-deployer.conf')).toContain('unmanaged-devices+=interface-name:eth0\n')
})

test('disabled touches nothing', async () => {
  const { kinds, outcome } = await deploy('config: disabled', 'debian-12')
  expect([kinds, outcome]).toEqual([{}, 'skipped'])
})

test('another network replaces the first', async () => {
  const guest = await createTestGuest('debian-12', { tree: bare })
  const first = parseRequest({
    networkConfig: 'version: 1\nconfig: [{type: physical, name: eth0, mac_address: "52:54:00:00:00:01", subnets: [{type: dhcp}]}]',
  })
  await guest.deploy(first.request)
  const { diff } = await guest.deploy(parseRequest({ networkConfig: staticEth0.replaceAll('eth0', 'eth1') }).request)
  expect(diff.map(({ path, kind }) => `${kind} ${path}`)).toEqual([
    'changed /etc/resolv.conf',
    'removed /etc/systemd/network/10-host-deployer-eth0.link',
    'removed /etc/systemd/network/10-host-deployer-eth0.network',
    'added /etc/systemd/network/10-host-deployer-eth1.network',
  ])
})
