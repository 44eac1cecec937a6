import { describe, expect, test } from 'vitest'
import { parseRequest } from '../parse-request.ts'
import { networkProblems, parsedNetwork } from '../testing/parse.ts'
import { isCidr, isNetmask } from './scalars.ts'

describe('version 1', () => {
  const physical = (rest: string) => `version: 1\nconfig:\n- type: physical\n  name: eth0\n  ${rest}\n`

  test('a file with everything', () => {
    const yaml = `
network:
  version: 1
  config:
  - {type: physical, name: eth0, mac_address: "52:54:00:AB:CD:EF", mtu: 1400, subnets: [
      {type: static, address: 192.0.2.2, netmask: 255.255.255.0, gateway: 192.0.2.1, dns_nameservers: [192.0.2.53], dns_search: example.org},
      {type: static6, address: "2001:db8::2/64", routes: [{network: "2001:db8:1::", prefix: 64, gateway: "2001:db8::1", metric: 5}]},
      {type: dhcp}]}
  - {type: loopback, name: lo, subnets: [{type: loopback, dns_nameservers: 192.0.2.55, dns_search: [example.com]}]}
  - {type: nameserver, address: 192.0.2.53 192.0.2.54, search: [example.org, example.net]}
  - {type: route, id: 3, destination: 198.51.100.0/24, gateway: 192.0.2.254}
`
    const none = { dns_nameservers: [], dns_search: [], routes: [] }
    expect(parsedNetwork(yaml)).toEqual({
      version: 1,
      config: [
        {
          type: 'physical',
          name: 'eth0',
          mac_address: '52:54:00:ab:cd:ef',
          mtu: 1400,
          subnets: [
            {
              ...none,
              type: 'static',
              address: '192.0.2.2',
              netmask: '255.255.255.0',
              gateway: '192.0.2.1',
              dns_nameservers: ['192.0.2.53'],
              dns_search: ['example.org'],
            },
            {
              ...none,
              type: 'static6',
              address: '2001:db8::2/64',
              routes: [{ destination: '2001:db8:1::', netmask: '64', gateway: '2001:db8::1', metric: 5 }],
            },
            { ...none, type: 'dhcp' },
          ],
        },
        {
          type: 'loopback',
          name: 'lo',
          subnets: [{ ...none, type: 'manual', dns_nameservers: ['192.0.2.55'], dns_search: ['example.com'] }],
        },
        { type: 'nameserver', address: ['192.0.2.53', '192.0.2.54'], search: ['example.org', 'example.net'] },
        { type: 'route', destination: '198.51.100.0/24', gateway: '192.0.2.254' },
      ],
    })
  })

  test.each([
    ['mac_address: 52:54:00', 'INPUT_INVALID config[0].mac_address 5'],
    ['mtu: 20', 'INPUT_INVALID config[0].mtu 5'],
    ['mtu: big', 'INPUT_INVALID config[0].mtu 5'],
    ['subnets: [{type: static}]', 'INPUT_INVALID config[0].subnets[0].address 5'],
    ['subnets: [{type: static, address: 192.0.2.1}]', 'INPUT_INVALID config[0].subnets[0].netmask 5'],
    ['subnets: [{type: static, address: 192.0.2.1, netmask: 64}]', 'INPUT_INVALID config[0].subnets[0].netmask 5'],
    ['subnets: [{type: static, address: 192.0.2.1, netmask: 255.0.255.0}]', 'INPUT_INVALID config[0].subnets[0].netmask 5'],
    ['subnets: [{type: static, address: 192.0.2.1/24, gateway: "2001:db8::1"}]', 'INPUT_INVALID config[0].subnets[0].gateway 5'],
    ['subnets: [{type: static, address: 192.0.2.256/24}]', 'INPUT_INVALID config[0].subnets[0].address 5'],
    ['subnets: [{type: dhcp, control: manual}]', 'INPUT_KEY_UNSUPPORTED config[0].subnets[0].control 5'],
    ['subnets: [{type: dhcp, adress: x}]', 'INPUT_KEY_UNKNOWN config[0].subnets[0].adress 5'],
    ['subnets: [{type: dhcp5}]', 'INPUT_INVALID config[0].subnets[0].type 5'],
    ['subnets: [{type: dhcp, dns_nameservers: [one]}]', 'INPUT_INVALID config[0].subnets[0].dns_nameservers 5'],
    ['subnets: [{type: dhcp, routes: [{gateway: 192.0.2.1}]}]', 'INPUT_INVALID config[0].subnets[0].routes[0].destination 5'],
  ])('%s is refused', (rest, problem) => {
    expect(networkProblems(physical(rest))).toEqual([problem])
  })

  test.each([
    ['config: [{type: bond, name: bond0, bond_interfaces: [a]}]', 'INPUT_KEY_UNSUPPORTED config[0] 2'],
    ['config: [{type: loopback, subnets: [{type: static, address: 127.0.0.2/8}]}]', 'INPUT_KEY_UNSUPPORTED config[0].subnets[0].address 2'],
    ['config: [{type: loopback, subnets: [{type: dhcp}]}]', 'INPUT_INVALID config[0].subnets[0].type 2'],
    ['config: [{type: vlan, name: v}]', 'INPUT_KEY_UNSUPPORTED config[0] 2'],
    ['config: [{type: physical, name: "a b"}]', 'INPUT_NAME_INVALID config[0].name 2'],
    ['config: [{type: physical, name: abcdefghijklmnop}]', 'INPUT_NAME_INVALID config[0].name 2'],
    ['config: [{type: physical}]', 'INPUT_INVALID config[0].name 2'],
    ['config: [{type: psychical, name: a}]', 'INPUT_INVALID config[0].type 2'],
    ['conf: []', 'INPUT_INVALID config 0'],
  ])('%s is refused', (yaml, problem) => {
    expect(networkProblems(`version: 1\n${yaml}\n`)).toContain(problem)
  })

  test('an address of loopback can be left out', () => {
    const networkConfig = 'version: 1\nconfig:\n- {type: loopback, name: lo, subnets: [{type: static, address: 127.0.0.2/8}]}\n'
    const { request } = parseRequest({ networkConfig }, { ignoreUnsupported: true })
    const subnets = [{ type: 'static', dns_nameservers: [], dns_search: [], routes: [] }]
    expect(request.network).toEqual({ version: 1, config: [{ type: 'loopback', name: 'lo', subnets }] })
  })

  test('interfaces that are not supported can be left out', () => {
    const networkConfig = 'version: 1\nconfig:\n- {type: bond, name: b}\n- {type: physical, name: eth0}\n- {type: bridge, name: c}\n'
    const { request, diagnostics } = parseRequest({ networkConfig }, { ignoreUnsupported: true })
    expect(request.network).toEqual({ version: 1, config: [{ type: 'physical', name: 'eth0', subnets: [] }] })
    expect(diagnostics.map(({ code, path }) => [code, path])).toEqual([
      ['INPUT_KEY_UNSUPPORTED', 'config[0]'],
      ['INPUT_KEY_UNSUPPORTED', 'config[2]'],
    ])
  })
})

describe('version 2', () => {
  test('a file with everything', () => {
    const yaml = `
version: 2
ethernets:
  lan:
    match: {macaddress: 52:54:00:12:34:56}
    set-name: eth0
    dhcp4: false
    dhcp6: no
    accept-ra: true
    addresses: [192.0.2.2/24, "2001:db8::2/64"]
    gateway4: 192.0.2.1
    gateway6: 2001:db8::1
    mtu: "9000"
    optional: true
    nameservers: {addresses: [192.0.2.53], search: [example.org]}
    routes: [{to: default, via: 192.0.2.1}, {to: 198.51.100.0/24, via: 192.0.2.254, metric: 10, on-link: true}]
  eth1:
    dhcp4: true
    dhcp4-overrides: {use-dns: false, route-metric: 100}
`
    expect(parsedNetwork(yaml)).toEqual({
      version: 2,
      ethernets: {
        lan: {
          match: { macaddress: '52:54:00:12:34:56' },
          'set-name': 'eth0',
          dhcp4: false,
          dhcp6: false,
          'accept-ra': true,
          addresses: ['192.0.2.2/24', '2001:db8::2/64'],
          gateway4: '192.0.2.1',
          gateway6: '2001:db8::1',
          mtu: 9000,
          optional: true,
          nameservers: { addresses: ['192.0.2.53'], search: ['example.org'] },
          routes: [
            { to: 'default', via: '192.0.2.1' },
            { to: '198.51.100.0/24', via: '192.0.2.254', metric: 10, 'on-link': true },
          ],
        },
        eth1: { dhcp4: true, 'dhcp4-overrides': { 'use-dns': false, 'route-metric': 100 }, addresses: [], routes: [] },
      },
    })
  })

  test.each([
    ['addresses: [192.0.2.1]', 'INPUT_INVALID ethernets.eth0.addresses[0] 4'],
    ['addresses: [192.0.2.1/33]', 'INPUT_INVALID ethernets.eth0.addresses[0] 4'],
    ['addresses: 192.0.2.1/24', 'INPUT_INVALID ethernets.eth0.addresses 4'],
    ['gateway4: 2001:db8::1', 'INPUT_INVALID ethernets.eth0.gateway4 4'],
    ['gateway6: 192.0.2.1', 'INPUT_INVALID ethernets.eth0.gateway6 4'],
    ['routes: [{to: default}]', 'INPUT_INVALID ethernets.eth0.routes[0].via 4'],
    ['routes: [{to: 192.0.2.0/24, scope: global}]', 'INPUT_INVALID ethernets.eth0.routes[0].via 4'],
    ['routes: [{to: default, scope: link}]', 'INPUT_INVALID ethernets.eth0.routes[0].via 4'],
    ['routes: [{to: 192.0.2.0/24, via: 198.51.100.1, scope: link}]', 'INPUT_KEY_UNSUPPORTED ethernets.eth0.routes[0].scope 4'],
    ['routes: [{to: 192.0.2.0/24, scope: host}]', 'INPUT_KEY_UNSUPPORTED ethernets.eth0.routes[0].scope 4'],
    ['routes: [{to: 192.0.2.0/24, via: "2001:db8::1"}]', 'INPUT_INVALID ethernets.eth0.routes[0].via 4'],
    ['set-name: lan', 'INPUT_INVALID ethernets.eth0.set-name 4'],
    ['match: {}', 'INPUT_INVALID ethernets.eth0.match 4'],
    ['dhcp4: maybe', 'INPUT_INVALID ethernets.eth0.dhcp4 4'],
    ['renderer: networkd', 'INPUT_KEY_UNSUPPORTED ethernets.eth0.renderer 4'],
    ['dhcp: true', 'INPUT_KEY_UNKNOWN ethernets.eth0.dhcp 4'],
    ['nameservers: {address: [192.0.2.1]}', 'INPUT_KEY_UNKNOWN ethernets.eth0.nameservers.address 4'],
  ])('%s is refused', (rest, problem) => {
    expect(networkProblems(`version: 2\nethernets:\n  eth0:\n    ${rest}\n`)).toEqual([problem])
  })

  test.each([
    ['bonds: {b: {}}', 'INPUT_KEY_UNSUPPORTED bonds 2'],
    ['wifis: {b: {}}', 'INPUT_KEY_UNSUPPORTED wifis 2'],
    ['ethernet: {}', 'INPUT_KEY_UNKNOWN ethernet 2'],
    ['ethernets: {eth0: }', 'INPUT_INVALID ethernets.eth0 2'],
    ['ethernets: {a very long name: {dhcp4: true}}', 'INPUT_NAME_INVALID ethernets.(?) 2'],
  ])('%s is refused', (yaml, problem) => {
    expect(networkProblems(`version: 2\n${yaml}\n`)).toEqual([problem])
  })
})

test('a route needs no gateway where its scope is the link', () => {
  const yaml = (route: string) => `version: 2\nethernets: {eth0: {routes: [${route}]}}\n`
  const routes = (route: string) => {
    const config = parsedNetwork(yaml(route))
    return config?.version === 2 ? config.ethernets['eth0']?.routes : undefined
  }
  expect(routes('{to: 192.0.2.0/24, scope: link, metric: 5}')).toEqual([{ to: '192.0.2.0/24', metric: 5 }])
  expect(routes('{to: default, via: 192.0.2.1, scope: global}')).toEqual([{ to: 'default', via: '192.0.2.1' }])
})

test.each([['config: disabled'], ['network: {config: disabled}'], ['network: {version: 1, config: disabled}']])('%s', (yaml) => {
  expect(parsedNetwork(yaml)).toEqual({ version: 0 })
})

test.each([['version: 3'], ['ethernets: {}'], ['[]'], ['network: true']])('%s is refused', (yaml) => {
  expect(networkProblems(yaml)[0]).toMatch(/^INPUT_INVALID /)
})

test('a network-config file wins over the key', () => {
  const files = { userData: '#cloud-config\nnetwork: {version: 2}', networkConfig: 'config: disabled' }
  const { request, diagnostics } = parseRequest(files)
  expect(request.network).toEqual({ version: 0 })
  expect(diagnostics).toMatchObject([{ code: 'INPUT_NETWORK_IGNORED' }])
  expect(parseRequest({ userData: files.userData }).request.network).toEqual({ version: 2, ethernets: {} })
})

test.each([
  ['255.255.255.0', true],
  ['255.255.255.255', true],
  ['0.0.0.0', true],
  ['255.0.255.0', false],
  ['24', true],
  ['129', false],
  ['024', false],
  ['ffff:ffff::', true],
  ['ffff:fff0::', true],
  ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', true],
  ['ffff:0:ffff::', false],
  ['::', true],
  ['', false],
])('netmask %j: %s', (mask, good) => {
  expect(isNetmask(mask)).toBe(good)
})

test.each([
  ['192.0.2.0/0', true],
  ['192.0.2.0/33', false],
  ['2001:db8::/128', true],
  ['2001:db8::/129', false],
  ['fe80::1%eth0/64', false],
  ['192.0.2.1/', false],
  ['192.0.2.1/+8', false],
  ['192.0.2.1/8/8', false],
  ['192.0.2.1', false],
])('address with prefix %j: %s', (address, good) => {
  expect(isCidr(address)).toBe(good)
})
