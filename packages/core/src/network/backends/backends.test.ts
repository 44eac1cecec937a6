import type { NetworkConfig } from '@host-deployer/api'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { arbitraryTwinNics, type TwinNic } from '../../testing/arbitrary-network.ts'
import { testFacts } from '../../testing/test-facts.ts'
import type { NetworkBackend, RenderContext } from '../backend.ts'
import { networkFromRequest } from '../from-request.ts'
import type { NetworkModel } from '../model.ts'
import { networkBackends } from '../select-backend.ts'
import { ifupdown } from './ifupdown.ts'
import { netplan } from './netplan.ts'
import { networkd } from './networkd.ts'

const context = (systemdVersion: number | null = 252, more: Partial<RenderContext['facts']> = {}): RenderContext => ({
  facts: testFacts('debian-12', { systemdVersion, networkManagers: ['networkd'], ...more }),
  dns: 'none',
})

const modelOf = (config: NetworkConfig): NetworkModel => networkFromRequest(config) ?? { nics: [] }
const v1 = (nics: readonly TwinNic[]): NetworkConfig => ({
  version: 1,
  config: nics.map((nic) => ({ type: 'physical', name: nic.name, ...nic.v1 })),
})
const v2 = (nics: readonly TwinNic[]): NetworkConfig => ({
  version: 2,
  ethernets: Object.fromEntries(nics.map((nic) => [nic.name, nic.v2])),
})
const text = (backend: NetworkBackend, config: NetworkConfig, given = context()) =>
  Object.fromEntries(backend.render(modelOf(config), given).files.map(({ path, content }) => [path, content]))
const nicConfig = (nic: object, name = 'eth0'): NetworkConfig => ({
  version: 2,
  ethernets: { [name]: { addresses: [], routes: [], ...nic } },
})

describe.each(networkBackends)('$id', (backend) => {
  test('both versions of one configuration render the same', () => {
    fc.assert(
      fc.property(arbitraryTwinNics, (nics) => {
        expect(backend.render(modelOf(v1(nics)), context())).toEqual(backend.render(modelOf(v2(nics)), context()))
      }),
      { numRuns: 60 },
    )
  })

  test('writes nothing outside of what it owns or names interfaces with', () => {
    const own = [...backend.owns, '/etc/systemd/network/10-host-deployer-*.link'].map((glob) => glob.split('*')[0] ?? '')
    fc.assert(
      fc.property(arbitraryTwinNics, (nics) => {
        for (const { path } of backend.render(modelOf(v1(nics)), context()).files)
          expect(own.some((prefix) => path.startsWith(prefix))).toBe(true)
      }),
      { numRuns: 20 },
    )
  })

  test('every address is in the files', () => {
    fc.assert(
      fc.property(arbitraryTwinNics, (nics) => {
        const all = Object.values(text(backend, v2(nics))).join('\n')
        for (const { v2: nic } of nics) for (const address of nic.addresses) expect(all).toContain(address)
      }),
      { numRuns: 20 },
    )
  })
})

describe('netplan', () => {
  const file = '/etc/netplan/90-host-deployer.yaml'

  test('is private, and says what was asked', () => {
    const { files } = netplan.render(modelOf(nicConfig({ dhcp4: true, mtu: 1400, routes: [{ to: '10.0.0.0/8' }] })), context())
    expect(files.map(({ path, mode }) => [path, mode])).toEqual([[file, 0o600]])
    expect(parse(files[0]?.content ?? '')).toEqual({
      network: {
        version: 2,
        renderer: 'networkd',
        ethernets: { eth0: { dhcp4: true, dhcp6: false, mtu: 1400, routes: [{ to: '10.0.0.0/8', scope: 'link' }] } },
      },
    })
  })

  test('leaves the rendering to NetworkManager where there is no networkd', () => {
    const content = text(netplan, nicConfig({ dhcp4: true }), context(252, { networkManagers: ['netplan', 'network-manager'] }))[file] ?? ''
    expect(parse(content).network.renderer).toBe('NetworkManager')
  })
})

describe('networkd', () => {
  const route = { addresses: ['192.0.2.2/32'], routes: [{ to: 'default', via: '192.0.2.1', 'on-link': true }] }

  test.each([
    [252, '[DHCPv4]', 'GatewayOnLink=yes'],
    [null, '[DHCPv4]', 'GatewayOnLink=yes'],
    [241, '[DHCP]', 'GatewayOnlink=yes'],
  ])('spells for systemd %s', (version, dhcp, onLink) => {
    const config = nicConfig({ ...route, dhcp4: true, 'dhcp4-overrides': { 'use-dns': false } })
    const content = text(networkd, config, context(version))['/etc/systemd/network/10-host-deployer-eth0.network'] ?? ''
    expect(content).toContain(`\n${dhcp}\nUseDNS=no\n`)
    expect(content).toContain(`\n${onLink}\n`)
  })

  test('finds the interface by MAC address and lets udev rename it', () => {
    const files = text(networkd, nicConfig({ match: { macaddress: '52:54:00:00:00:01' }, 'set-name': 'lan0' }, 'a'))
    expect(files['/etc/systemd/network/10-host-deployer-a.network']).toContain('[Match]\nMACAddress=52:54:00:00:00:01\nType=ether\n')
    expect(files['/etc/systemd/network/10-host-deployer-a.link']).toContain('[Link]\nName=lan0\n')
  })
})

describe('an interface whose name in the request is only a handle', () => {
  const config = nicConfig({ match: { macaddress: '52:54:00:00:00:01' }, dhcp4: true }, 'primary-interface-0')
  const id = 'primary-958ca9'

  test.each([
    { backend: networkd, path: `/etc/systemd/network/10-host-deployer-${id}.network`, line: '[Match]\nMACAddress=52:54:00:00:00:01\n' },
    { backend: ifupdown, path: '/etc/network/interfaces', line: `\nauto mac/52:54:00:00:00:01=${id}\niface ${id} inet dhcp\n` },
    { backend: netplan, path: '/etc/netplan/90-host-deployer.yaml', line: `\n    ${id}:\n      match:\n` },
  ])('$backend.id keeps what the kernel calls it', ({ backend, path, line }) => {
    const files = text(backend, config)
    expect(files[path]).toContain(line)
    expect(Object.keys(files).filter((name) => name.endsWith('.link'))).toEqual([])
  })

  test('an ifupdown that knows no patterns gets a name it can hold', () => {
    const files = text(ifupdown, config, context(237))
    expect(files['/etc/network/interfaces']).toContain(`\nauto ${id}\n`)
    expect(files[`/etc/systemd/network/10-host-deployer-${id}.link`]).toContain(`\nName=${id}\n`)
  })
})

describe('a new name for an interface found by its old one', () => {
  const config = nicConfig({ match: { name: 'ens3' }, 'set-name': 'lan0' }, 'a')

  test.each([
    { backend: networkd, path: '/etc/systemd/network/10-host-deployer-a.network', line: '[Match]\nName=lan0\n' },
    { backend: ifupdown, path: '/etc/network/interfaces', line: '\nauto lan0\niface lan0 ' },
  ])('$backend.id', ({ backend, path, line }) => {
    const files = text(backend, config)
    expect(files['/etc/systemd/network/10-host-deployer-a.link']).toContain('[Match]\nOriginalName=ens3\n\n[Link]\nName=lan0\n')
    expect(files[path]).toContain(line)
  })
})

describe('ifupdown', () => {
  const interfaces = '/etc/network/interfaces'
  const byMac = nicConfig({ match: { macaddress: '52:54:00:00:00:01' }, 'set-name': 'lan0', dhcp4: true }, 'a')

  test('brings up by MAC address, after udev is done', () => {
    const files = text(ifupdown, byMac)
    expect(files[interfaces]).toContain('\nauto mac/52:54:00:00:00:01=lan0\niface lan0 inet dhcp\n')
    expect(Object.keys(files).sort()).toEqual([
      interfaces,
      '/etc/systemd/network/10-host-deployer-a.link',
      '/etc/systemd/system/networking.service.d/10-host-deployer.conf',
    ])
  })

  test('relies on the name where ifupdown knows no patterns', () => {
    const files = text(ifupdown, byMac, context(237))
    expect(files[interfaces]).toContain('\nauto lan0\n')
    expect(files['/etc/systemd/network/10-host-deployer-a.link']).toContain('Name=lan0')
    expect(() => ifupdown.render(modelOf(nicConfig({ match: { name: 'en*' } })), context(237))).toThrow(
      expect.objectContaining({ code: 'OPERATION_NETWORK_UNSUPPORTED' }),
    )
  })

  test('names interfaces by a udev rule where there is no systemd', () => {
    const rule = text(ifupdown, byMac, context(null, { initSystem: 'sysvinit' }))['/etc/udev/rules.d/70-host-deployer-net.rules']
    expect(rule).toContain('ATTR{address}=="52:54:00:00:00:01"')
    expect(rule).toContain('NAME="lan0"')
  })

  test('an interface without anything is brought up bare; an optional one only when it appears', () => {
    expect(text(ifupdown, nicConfig({ optional: true }))[interfaces]).toContain('\nallow-hotplug eth0\niface eth0 inet manual\n')
  })

  test('says which settings it cannot do', () => {
    const config = nicConfig({ dhcp4: true, 'dhcp4-overrides': { 'use-dns': false, 'route-metric': 5 } })
    expect(ifupdown.render(modelOf(config), context()).ignored).toEqual(['eth0.dhcp4-overrides.use-dns'])
    const match = (given: object, more: object = {}) =>
      ifupdown.render(modelOf(nicConfig({ match: { driver: 'virtio_net', ...given }, ...more }, 'a')), context()).ignored
    expect(match({ name: 'en*' })).toEqual(['a.match.driver'])
    expect(match({ name: 'en*' }, { 'set-name': 'lan0' })).toEqual([])
    expect(match({})).toEqual([])
  })
})
