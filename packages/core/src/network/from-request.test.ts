import type { NetworkConfig } from '@host-deployer/api'
import { parseRequest } from '@host-deployer/api'
import { DeployError } from '@host-deployer/driver-api'
import { describe, expect, test } from 'vitest'
import { networkFromRequest } from './from-request.ts'

const read = (networkConfig: string): NetworkConfig => {
  const { network } = parseRequest({ networkConfig }).request
  if (network === undefined) throw new Error('no network')
  return network
}
const model = (text: string) => networkFromRequest(read(text))

describe('version 1', () => {
  test('an interface with a MAC address is found by it and renamed', () => {
    const nic = model('version: 1\nconfig: [{type: physical, name: eth0, mac_address: "52:54:00:AA:BB:CC", subnets: [{type: dhcp}]}]')
      ?.nics[0]
    expect(nic).toMatchObject({ id: 'eth0', match: { mac: '52:54:00:aa:bb:cc' }, setName: 'eth0', dhcp4: true, dhcp6: false })
  })

  test('one without is found by name and keeps it', () => {
    const nic = model('version: 1\nconfig: [{type: physical, name: ens3, subnets: [{type: manual}]}]')?.nics[0]
    expect(nic?.match).toEqual({ name: 'ens3' })
    expect(nic?.setName).toBeUndefined()
  })

  test('gateways become default routes, name servers go to their interface or to all', () => {
    const nics = model(`
version: 1
config:
  - {type: physical, name: a, subnets: [{type: static, address: 192.0.2.2/24, gateway: 192.0.2.1, dns_nameservers: [192.0.2.53]}]}
  - {type: physical, name: b, subnets: [{type: static6, address: '2001:db8::2', netmask: 64, gateway: '2001:db8::1'}]}
  - {type: nameserver, address: 198.51.100.1, search: [example.org]}
  - {type: nameserver, address: 198.51.100.2, interface: b}
`)?.nics
    expect(nics?.map(({ routes }) => routes.map(({ to, via }) => `${to} ${via}`))).toEqual([['0.0.0.0/0 192.0.2.1'], ['::/0 2001:db8::1']])
    expect(nics?.map(({ dns }) => dns.addresses)).toEqual([
      ['192.0.2.53', '198.51.100.1'],
      ['198.51.100.1', '198.51.100.2'],
    ])
    expect(nics?.[1]?.dns.search).toEqual(['example.org'])
  })

  test('name servers of loopback are for all', () => {
    const nics = model(`
version: 1
config:
  - {type: loopback, name: lo, subnets: [{type: loopback, dns_nameservers: [192.0.2.53], dns_search: [example.org]}]}
  - {type: physical, name: a, subnets: [{type: dhcp}]}
`)?.nics
    expect(nics?.map(({ id, dns }) => [id, dns])).toEqual([['a', { addresses: ['192.0.2.53'], search: ['example.org'] }]])
  })

  test('name servers for an interface that is not there', () => {
    const nameserver = (of: string) =>
      read(`version: 1\nconfig: [{type: loopback}, {type: physical, name: a}, {type: nameserver, address: 192.0.2.53, interface: ${of}}]`)
    expect(rejected(nameserver('b'))).toEqual(['INPUT_NETWORK_DNS', 'network.config[2].interface'])
    for (const name of ['a', 'lo']) expect(networkFromRequest(nameserver(name))?.nics[0]?.dns.addresses).toEqual(['192.0.2.53'])
  })

  test.each([{ address: '127.0.0.2/8' }, { gateway: '192.0.2.1' }])('%o of loopback', (given) => {
    const subnet = { type: 'static', dns_nameservers: [], dns_search: [], routes: [], ...given } as const
    const config: NetworkConfig = { version: 1, config: [{ type: 'loopback', name: 'lo', subnets: [subnet] }] }
    expect(rejected(config)).toEqual(['INPUT_NETWORK_UNSUPPORTED', 'network.config[0].subnets[0]'])
  })

  test('a route by itself goes to the interface that reaches its gateway', () => {
    const nics = model(`
version: 1
config:
  - {type: physical, name: a, subnets: [{type: static, address: 192.0.2.2/24}]}
  - {type: physical, name: b, subnets: [{type: static, address: 198.51.100.2/24}]}
  - {type: route, destination: 10.1.2.3, netmask: 255.0.0.0, gateway: 198.51.100.1, metric: 5}
`)?.nics
    expect(nics?.[0]?.routes).toEqual([])
    expect(nics?.[1]?.routes).toEqual([{ family: 4, to: '10.0.0.0/8', via: '198.51.100.1', metric: 5, onLink: false }])
  })

  test.each([
    ['dhcp6', true, undefined],
    ['ipv6_slaac', false, true],
    ['ipv6_dhcpv6-stateful', true, true],
    ['ipv6_dhcpv6-stateless', true, true],
  ])('%s', (type, dhcp6, acceptRa) => {
    const nic = model(`version: 1\nconfig: [{type: physical, name: a, subnets: [{type: ${type}}]}]`)?.nics[0]
    expect([nic?.dhcp6, nic?.acceptRa]).toEqual([dhcp6, acceptRa])
  })
})

describe('version 2', () => {
  test('an entry without match is found by its name', () => {
    expect(model('version: 2\nethernets: {ens3: {dhcp4: true}}')?.nics[0]?.match).toEqual({ name: 'ens3' })
  })

  test.each([
    ['primary-interface-0', 'primary-958ca9'],
    ['a/../b', 'a-b-'],
    ['the one with a very long name', 'the-one-'],
    ['..', 'nic-'],
    ['-x', 'x-'],
    ['\u00fc\u00df', 'nic-'],
    ['eth0', 'eth0'],
    ['0', '0'],
  ])('with a match, %j is only a handle', (handle, start) => {
    const text = `version: 2\nethernets: {${JSON.stringify(handle)}: {match: {macaddress: '52:54:00:00:00:01'}, dhcp4: true}}`
    const nic = model(text)?.nics[0]
    expect(nic?.id).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/)
    expect(nic?.id.startsWith(start)).toBe(true)
    expect(nic).toMatchObject({ match: { mac: '52:54:00:00:00:01' }, dhcp4: true })
    expect(nic?.setName).toBeUndefined()
    expect(model(text)).toEqual(model(text))
  })

  test('handles that look alike are told apart', () => {
    const entry = (mac: string) => `{match: {macaddress: "52:54:00:00:00:${mac}"}}`
    const nics = model(`version: 2\nethernets: {primary-interface-0: ${entry('01')}, primary-interface-1: ${entry('02')}}`)?.nics ?? []
    expect(new Set(nics.map(({ id }) => id)).size).toBe(2)
  })

  test('gateway4 and default routes are the same', () => {
    const one = model('version: 2\nethernets: {a: {addresses: [192.0.2.2/24], gateway4: 192.0.2.1}}')
    const other = model('version: 2\nethernets: {a: {addresses: [192.0.2.2/24], routes: [{to: default, via: 192.0.2.1}]}}')
    expect(one).toEqual(other)
  })
})

test('a static subnet without address', () => {
  const subnet = { type: 'static', dns_nameservers: [], dns_search: [], routes: [] } as const
  const config: NetworkConfig = { version: 1, config: [{ type: 'physical', name: 'a', subnets: [subnet] }] }
  expect(rejected(config)).toEqual(['INPUT_NETWORK_ADDRESS', 'network.config[0].subnets[0].address'])
})

test.each([
  ['version: 1\nconfig: [{type: nameserver, address: 192.0.2.53}, {type: route, destination: 10.0.0.0/8, gateway: 192.0.2.1}]'],
  ['version: 1\nconfig: [{type: loopback, name: lo}]'],
  ['version: 1\nconfig: []'],
  ['version: 2\nethernets: {}'],
])('%j leaves no interface', (text) => {
  expect(rejected(read(text))).toEqual(['INPUT_NETWORK_EMPTY', 'network'])
})

test('interfaces that were left out are not a wish for none', () => {
  const { network } = parseRequest({ networkConfig: 'version: 2\nbonds: {bond0: {dhcp4: true}}' }, { ignoreUnsupported: true }).request
  expect(network && rejected(network)).toEqual(['INPUT_NETWORK_EMPTY', 'network'])
})

test('disabled', () => {
  expect(networkFromRequest({ version: 0 })).toBeUndefined()
})

const ethernet = { addresses: [], routes: [] }
const v2 = (nic: object): NetworkConfig => ({ version: 2, ethernets: { a: { ...ethernet, ...nic } } })
const rejected = (config: NetworkConfig): unknown => {
  try {
    return networkFromRequest(config)
  } catch (error) {
    return DeployError.isInstance(error) ? [error.code, error.context['path']] : error
  }
}

test.each<[string, string, object]>([
  ['INPUT_NETWORK_ADDRESS', 'network.ethernets.a.addresses[0]', { addresses: ['192.0.2.1'] }],
  ['INPUT_NETWORK_ADDRESS', 'network.ethernets.a.gateway4', { gateway4: '2001:db8::1' }],
  ['INPUT_NETWORK_ADDRESS', 'network.ethernets.a.nameservers.addresses[0]', { nameservers: { addresses: ['dns'], search: [] } }],
  ['INPUT_NETWORK_DNS', 'network.ethernets.a.nameservers.search[0]', { nameservers: { addresses: [], search: ['a b'] } }],
  ['INPUT_NETWORK_ROUTE', 'network.ethernets.a.routes[0]', { routes: [{ to: '10.0.0.0/8', via: 'fe80::1' }] }],
  ['INPUT_NETWORK_ROUTE', 'network.ethernets.a.routes[0]', { routes: [{ to: 'nowhere', via: '192.0.2.1' }] }],
  ['INPUT_NETWORK_ROUTE', 'network.ethernets.a.routes[0]', { routes: [{ to: 'default', via: '192.0.2.1', metric: -1 }] }],
  ['INPUT_NETWORK_MAC', 'network.ethernets.a.match.macaddress', { match: { macaddress: '52:54:00' } }],
  ['INPUT_NETWORK_NAME', 'network.ethernets.a.set-name', { match: { name: 'a' }, 'set-name': 'way-too-long-a-name' }],
  ['INPUT_NETWORK_NAME', 'network.ethernets.a.set-name', { 'set-name': 'b' }],
  ['INPUT_NETWORK_NAME', 'network.ethernets.a.match.name', { match: { name: 'a\n[Match]' } }],
  ['INPUT_NETWORK_MTU', 'network.ethernets.a.mtu', { mtu: 60 }],
  ['INPUT_NETWORK_UNSUPPORTED', 'network.ethernets.a.dhcp4-overrides.use-magic', { 'dhcp4-overrides': { 'use-magic': true } }],
  ['INPUT_NETWORK_UNSUPPORTED', 'network.ethernets.a.dhcp4-overrides.hostname', { 'dhcp4-overrides': { hostname: 'a\nb' } }],
  [
    'INPUT_NETWORK_UNSUPPORTED',
    'network.ethernets.a.dhcp6-overrides.use-dns',
    { dhcp4: true, dhcp6: true, 'dhcp4-overrides': { 'use-dns': true }, 'dhcp6-overrides': { 'use-dns': false } },
  ],
])('%s at %s', (code, path, nic) => {
  expect(rejected(v2(nic))).toEqual([code, path])
})

test.each<[string, NetworkConfig]>([
  [
    'INPUT_NETWORK_DUPLICATE',
    {
      version: 2,
      ethernets: {
        a: { ...ethernet, match: { macaddress: '52:54:00:00:00:01' } },
        b: { ...ethernet, match: { macaddress: '52-54-00-00-00-01' } },
      },
    },
  ],
  [
    'INPUT_NETWORK_DUPLICATE',
    { version: 2, ethernets: { a: { ...ethernet, addresses: ['192.0.2.1/24'] }, b: { ...ethernet, addresses: ['192.0.2.1/25'] } } },
  ],
  [
    'INPUT_NETWORK_DUPLICATE',
    { version: 2, ethernets: { a: ethernet, b: { ...ethernet, match: { macaddress: '52:54:00:00:00:01' }, 'set-name': 'a' } } },
  ],
  ['INPUT_NETWORK_NAME', { version: 2, ethernets: { 'a/b': ethernet } }],
  ['INPUT_NETWORK_UNSUPPORTED', { version: 2, ethernets: {}, bonds: {} }],
])('%s', (code, config) => {
  expect((rejected(config) as string[])[0]).toBe(code)
})
