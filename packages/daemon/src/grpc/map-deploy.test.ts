import { type DeployRequest, type NetworkConfig, Secret } from '@host-deployer/api'
import { type DeployParams, type DeployParamsInput, deployService } from '@host-deployer/api/grpc'
import { DeployError } from '@host-deployer/driver-api'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { imageOfDisk } from './image-of-disk.ts'
import { type MappingConfig, requestOfDeploy } from './map-deploy.ts'
import { wireMessage } from './read-message.ts'
import { requestOfFormat } from './rpcs/format-fs.ts'

const config: MappingConfig = {
  allowVmSelinux: true,
  cloudrootDir: '/opt',
  privateNetworks: [],
  metadataIpv4Addresses: ['169.254.169.254'],
  metadataIpv6Addresses: ['fd00:ec2::254'],
}
const method = deployService()['DeployGuestFs']

/** As it comes off the wire: every field there. */
function received(params: DeployParamsInput): DeployParams {
  if (method === undefined) throw new TypeError('no method')
  return wireMessage<DeployParams>(method.requestSerialize(params), method.requestDeserialize).read()
}
const mapped = (params: DeployParamsInput, more: Partial<typeof config> = {}) => requestOfDeploy(received(params), { ...config, ...more })
const request = (params: DeployParamsInput, more: Partial<typeof config> = {}): DeployRequest => mapped(params, more).request
const codes = (params: DeployParamsInput) => mapped(params).diagnostics.map(({ code }) => code)
const failure = (params: DeployParamsInput): unknown => {
  try {
    mapped(params)
  } catch (error) {
    return DeployError.isInstance(error) ? error.code : error
  }
  return undefined
}

const ed25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJ'
const body = ed25519.split(' ')[1] ?? ''

test('nothing asked for changes nothing', () => {
  expect(request({})).toEqual({ seed: {}, cloud_init: 'keep' })
  expect(request({ guest_desc: {}, deploy_info: {} })).toEqual({ seed: {}, cloud_init: 'keep' })
})

describe('names', () => {
  test.each([
    [{ hostname: 'web', name: 'other' }, { hostname: 'web' }],
    [{ name: 'web' }, { hostname: 'web' }],
    [
      { hostname: 'web', domain: 'example.org' },
      { hostname: 'web', fqdn: 'web.example.org' },
    ],
    [
      { hostname: 'web', domain: '.example.org.' },
      { hostname: 'web', fqdn: 'web.example.org' },
    ],
    [{ hostname: 'web.example.org' }, { hostname: 'web', fqdn: 'web.example.org' }],
  ])('%j', (guest_desc, expected) => {
    expect(request({ guest_desc })).toEqual({ ...expected, manage_etc_hosts: 'localhost', seed: {}, cloud_init: 'keep' })
  })

  test.each([
    ['my web_1', 'my-web-1'],
    ['-x-', 'x'],
    ['数据 db', 'db'],
    ['a'.repeat(80), 'a'.repeat(63)],
  ])('%s is made a host name', (name, hostname) => {
    expect(request({ guest_desc: { name } }).hostname).toBe(hostname)
    expect(codes({ guest_desc: { name } })).toEqual(['WIRE_NAME_CHANGED'])
  })

  test('of which nothing is left', () => {
    expect(request({ guest_desc: { name: '数据' } }).hostname).toBeUndefined()
  })

  test('a domain that is none is left out', () => {
    expect(request({ guest_desc: { name: 'a', domain: 'x y' } }).fqdn).toBeUndefined()
    expect(codes({ guest_desc: { name: 'a', domain: 'x y' } })).toEqual(['WIRE_VALUE_IGNORED'])
  })
})

type Ethernets = Extract<NetworkConfig, { version: 2 }>['ethernets']
const mac = (last: number) => `00:22:33:44:55:${String(last).padStart(2, '0')}`
const nics = (...list: NonNullable<NonNullable<DeployParamsInput['guest_desc']>['nics']>) => ({ guest_desc: { nics: list } })
const ethernets = (params: DeployParamsInput, more: Partial<typeof config> = {}): Ethernets => {
  const { network } = request(params, more)
  return network?.version === 2 ? network.ethernets : {}
}

describe('interfaces', () => {
  const fixed = { manual: true, mac: mac(1), ip: '192.168.1.10', masklen: 24, gateway: '192.168.1.1' }

  test('static: address, default route, metadata route, servers, domain, MTU', () => {
    const nic = { ...fixed, dns: '192.168.1.2, 2001:db8::53', domain: 'example.org', mtu: 1400, is_default: true }
    expect(ethernets(nics(nic))).toEqual({
      eth0: {
        match: { macaddress: mac(1) },
        'set-name': 'eth0',
        addresses: ['192.168.1.10/24'],
        routes: [{ to: '0.0.0.0/0', via: '192.168.1.1' }, { to: '169.254.169.254/32' }],
        nameservers: { addresses: ['192.168.1.2', '2001:db8::53'], search: ['example.org'] },
        mtu: 1400,
      },
    })
  })

  test('static of version 6, and of both', () => {
    const six = { ip6: '2001:db8::10', masklen6: 64, gateway6: 'fe80::1' }
    expect(ethernets(nics({ manual: true, mac: mac(1), ...six }))['eth0']).toMatchObject({
      addresses: ['2001:db8::10/64'],
      routes: [{ to: '::/0', via: 'fe80::1' }, { to: 'fd00:ec2::254/128' }],
    })
    expect(ethernets(nics({ ...fixed, ...six }))['eth0']?.addresses).toEqual(['192.168.1.10/24', '2001:db8::10/64'])
  })

  test.each([
    [{ ip: '10.0.0.1' }, { dhcp4: true, dhcp6: false }],
    [{ ip6: '2001:db8::1' }, { dhcp4: false, dhcp6: true, 'accept-ra': true }],
    [
      { ip: '10.0.0.1', ip6: '2001:db8::1' },
      { dhcp4: true, dhcp6: true, 'accept-ra': true },
    ],
    [{}, { dhcp4: true, dhcp6: false }],
  ])('DHCP with %j', (more, expected) => {
    expect(ethernets(nics({ mac: mac(1), ...more, dns: '10.0.0.2' }))['eth0']).toEqual({
      match: { macaddress: mac(1) },
      'set-name': 'eth0',
      addresses: [],
      routes: [],
      ...expected,
    })
  })

  test('only the main one has a default route: the one that says so, else the first that can', () => {
    const other = { manual: true, mac: mac(2), ip: '192.168.2.10', masklen: 24, gateway: '192.168.2.1', index: 1 }
    const defaults = (...list: Parameters<typeof nics>) =>
      Object.entries(ethernets(nics(...list))).flatMap(([name, { routes }]) => (routes.some(({ to }) => to === '0.0.0.0/0') ? [name] : []))
    expect(defaults(fixed, other)).toEqual(['eth0'])
    expect(defaults(fixed, { ...other, is_default: true })).toEqual(['eth1'])
    expect(defaults({ ...fixed, gateway: '' }, other)).toEqual(['eth1'])
    expect(defaults({ ...fixed, gateway: '', is_default: true }, other)).toEqual(['eth1'])
  })

  test('a gateway outside its network is on the link', () => {
    expect(ethernets(nics({ ...fixed, masklen: 32 }))['eth0']?.routes[0]).toEqual({ to: '0.0.0.0/0', via: '192.168.1.1', 'on-link': true })
  })

  test('routes: default ones, the metadata service and oneself left out, 0.0.0.0 is the link', () => {
    const routes = JSON.stringify([
      ['0.0.0.0/0', '192.168.1.1'],
      ['::/0', 'fe80::1'],
      ['169.254.169.254/32', '192.168.1.1'],
      ['10.9.0.0/16', '192.168.1.10'],
      ['10.1.0.0/16', '192.168.1.1'],
      ['10.1.0.0/16', '192.168.1.3'],
      ['10.2.0.0/16', '0.0.0.0'],
      ['2001:db8:1::/48', 'fe80::1'],
    ])
    expect(ethernets(nics({ ...fixed, gateway: '', routes }))['eth0']?.routes).toEqual([
      { to: '10.1.0.0/16', via: '192.168.1.1' },
      { to: '10.2.0.0/16' },
    ])
  })

  test('the inner one of two, when the main one is public, leads to the private networks', () => {
    const outer = { ...fixed, ip: '198.51.100.7', gateway: '198.51.100.1', is_default: true }
    const inner = { manual: true, mac: mac(2), ip: '10.1.0.5', masklen: 16, gateway: '10.1.0.1', index: 1 }
    expect(ethernets(nics(outer, inner))['eth1']?.routes).toContainEqual({ to: '172.16.0.0/12', via: '10.1.0.1' })
    expect(ethernets(nics({ ...outer, ip: '10.2.0.5', gateway: '10.2.0.1' }, inner))['eth1']?.routes).toEqual([])
  })

  test('what the operator calls private is inside, too', () => {
    const outer = { ...fixed, ip: '198.51.100.7', gateway: '198.51.100.1', is_default: true }
    const inner = { manual: true, mac: mac(2), ip: '203.0.113.5', masklen: 24, gateway: '203.0.113.1', index: 1 }
    expect(ethernets(nics(outer, inner))['eth1']?.routes).toEqual([])
    const { routes } = ethernets(nics(outer, inner), { privateNetworks: ['203.0.113.0/24'] })['eth1'] ?? {}
    expect(routes).toEqual(expect.arrayContaining(['10.0.0.0/8', '203.0.113.0/24'].map((to) => ({ to, via: '203.0.113.1' }))))
    expect(ethernets(nics(outer, inner), { privateNetworks: ['203.0.113.0/24', '198.51.100.0/24'] })['eth1']?.routes).toEqual([])
  })

  test('the metadata service is where the operator says, on the main interface only, or nowhere', () => {
    const nic = { ...fixed, ip6: '2001:db8::10', masklen6: 64, gateway6: 'fe80::1', routes: '[["100.100.100.200/32","192.168.1.1"]]' }
    const other = { manual: true, mac: mac(2), ip: '192.168.2.10', masklen: 24, index: 1 }
    const here = { metadataIpv4Addresses: ['169.254.169.254', '100.100.100.200'], metadataIpv6Addresses: ['fd00::1'] }
    const beside = (more: Partial<typeof config>) =>
      Object.values(ethernets(nics(nic, other), more)).map(({ routes }) => routes.filter(({ to }) => !to.endsWith('/0')))
    expect(beside(here)).toEqual([[{ to: '169.254.169.254/32' }, { to: '100.100.100.200/32' }, { to: 'fd00::1/128' }], []])
    expect(beside({ metadataIpv4Addresses: [], metadataIpv6Addresses: [] })).toEqual([
      [{ to: '100.100.100.200/32', via: '192.168.1.1' }],
      [],
    ])
  })

  test('the pseudo interface', () => {
    expect(ethernets(nics({ mac: mac(1), virtual: true }))['eth0']).toMatchObject({ addresses: ['169.254.169.231/32'] })
  })

  test('names: index; en when drivers differ; counted when indexes repeat', () => {
    const names = (...list: Parameters<typeof nics>) => Object.keys(ethernets(nics(...list)))
    expect(names({ mac: mac(1), index: 3 }, { mac: mac(2), index: 1 })).toEqual(['eth3', 'eth1'])
    expect(names({ mac: mac(1), driver: 'virtio' }, { mac: mac(2), index: 1, driver: 'e1000' })).toEqual(['en0', 'en1'])
    expect(names({ mac: mac(1) }, { mac: mac(2) })).toEqual(['eth0', 'eth1'])
    expect(names({ mac: mac(1), index: -5 }, { mac: mac(2), index: 2_000_000_000 })).toEqual(['eth0', 'eth1'])
  })

  test.each([1, 67, 65_536, -1, 1e12])('an MTU of %d is left out, and said', (mtu) => {
    expect(ethernets(nics({ ...fixed, mtu }))['eth0']?.mtu).toBeUndefined()
    expect(codes(nics({ ...fixed, mtu }))).toEqual(['WIRE_VALUE_IGNORED'])
  })

  test('the illegal domain is none', () => {
    expect(ethernets(nics({ ...fixed, domain: 'cloud.onecloud.io' }))['eth0']?.nameservers).toBeUndefined()
  })

  test('without a MAC address, and IPMI: left out', () => {
    expect(request(nics({ ip: '10.0.0.1' }, { mac: mac(1), nic_type: 'ipmi' })).network).toBeUndefined()
  })

  test.each([
    ['INPUT_NETWORK_UNSUPPORTED', { ...fixed, team_with: mac(2) }],
    ['INPUT_NETWORK_UNSUPPORTED', { ...fixed, nic_type: 'infiniband' }],
    ['INPUT_NETWORK_MAC', { mac: 'xx' }],
    ['INPUT_NETWORK_ADDRESS', { ...fixed, ip: '1.2.3' }],
    ['INPUT_NETWORK_ADDRESS', { ...fixed, masklen: 0 }],
    ['INPUT_NETWORK_ADDRESS', { ...fixed, masklen: 33 }],
    ['INPUT_NETWORK_ADDRESS', { ...fixed, ip6: 'fe80::1%eth0', masklen6: 64 }],
    ['INPUT_NETWORK_ROUTE', { ...fixed, gateway: 'gw' }],
    ['INPUT_NETWORK_ROUTE', { ...fixed, routes: 'x' }],
    ['INPUT_NETWORK_ROUTE', { ...fixed, routes: '{"a":1}' }],
    ['INPUT_NETWORK_ROUTE', { ...fixed, routes: '[["10.0.0.0/8"]]' }],
    ['INPUT_NETWORK_ROUTE', { ...fixed, routes: '[["10.0.0.0/99","10.0.0.1"]]' }],
    ['INPUT_NETWORK_DNS', { ...fixed, dns: '10.0.0.1,dns' }],
  ])('%s', (code, nic) => {
    expect(failure(nics(nic))).toBe(code)
  })

  test.each([
    ['baremetal', 2, 'INPUT_NETWORK_UNSUPPORTED'],
    ['baremetal', 1, undefined],
    ['baremetal', 0, undefined],
    ['kvm', 2, undefined],
    ['', 2, undefined],
  ])('of the hypervisor "%s", in VLAN %d: %s', (Hypervisor, vlan, code) => {
    const params = { guest_desc: { Hypervisor, nics: [{ ...fixed, vlan }] } }
    expect(failure(params)).toBe(code)
    if (code === undefined) expect(ethernets(params)).toEqual(ethernets(nics(fixed)))
  })

  test('an interface of bare metal that is not used may have any VLAN', () => {
    const guest_desc = { Hypervisor: 'baremetal', nics: [{ ...fixed, nic_type: 'ipmi', vlan: 100 }] }
    expect(request({ guest_desc }).network).toBeUndefined()
  })
})

describe('accounts and keys', () => {
  const account = (deploy_info: NonNullable<DeployParamsInput['deploy_info']>) => request({ deploy_info }).login_account

  test('a password, a key', () => {
    const found = account({ password: 'x', default_root_user: true, public_key: { public_key: `${ed25519} me\n` } })
    expect(found).toEqual({
      prefer_root: true,
      never: ['cloudroot'],
      password: { type: 'plain', value: new Secret('x') },
      ssh_authorized_keys: [`${ed25519} @yunioncloudpods`],
      remove_ssh_keys: { comment: '@yunioncloudpods', bodies: [] },
    })
    expect(found?.password?.type === 'plain' && found.password.value.reveal()).toBe('x')
  })

  test('keys without a password are written, and taken away', () => {
    expect(account({ public_key: { public_key: ed25519 } })).toMatchObject({ ssh_authorized_keys: [`${ed25519} @yunioncloudpods`] })
    expect(account({ public_key: { delete_public_key: ed25519 } })).toMatchObject({ remove_ssh_keys: { bodies: [body] } })
    expect(account({ public_key: { public_key: ed25519 } })?.password).toBeUndefined()
  })

  test('nothing to do for it: none', () => {
    expect(account({ login_account: 'web', default_root_user: true })).toBeUndefined()
    expect(account({ login_account: 'web', password: 'x' })?.name).toBe('web')
    expect(failure({ deploy_info: { login_account: 'a:b', password: 'x' } })).toBe('INPUT_NAME_INVALID')
  })

  test('cloudroot only with keys of the platform', () => {
    expect(request({ deploy_info: { password: 'x', public_key: { public_key: ed25519 } } }).users).toBeUndefined()
    const keys = { admin_public_key: `${ed25519} admin`, project_public_key: `${ed25519} project` }
    expect(request({ deploy_info: { public_key: keys } }, { cloudrootDir: '/var/x/' }).users).toMatchObject([
      {
        name: 'cloudroot',
        homedir: '/var/x/cloudroot',
        system: true,
        sudo: ['ALL=(ALL) NOPASSWD:ALL'],
        ssh_authorized_keys: [`${ed25519} admin`, `${ed25519} project`],
        ssh_authorized_keys_only: true,
      },
    ])
  })

  test('a key that is none', () => {
    for (const field of ['public_key', 'delete_public_key', 'admin_public_key', 'project_public_key']) {
      expect(failure({ deploy_info: { public_key: { [field]: 'ssh-rsa nonsense' } } })).toBe('INPUT_SSH_KEY_INVALID')
    }
  })
})

describe('a first deploy', () => {
  const first = (deploy_info: NonNullable<DeployParamsInput['deploy_info']>, guest_desc: DeployParamsInput['guest_desc'] = {}) =>
    request({ guest_desc, deploy_info: { is_init: true, enable_cloud_init: true, ...deploy_info } })

  test('files: written, appended, only their directories', () => {
    const deploys = [
      { path: '/etc/a', content: 'x' },
      { path: 'etc/b', content: 'y\n', action: 'append' },
      { path: '/opt/c/d' },
      { path: '/opt/e/' },
    ]
    expect(first({ deploys }).write_files).toMatchObject([
      { path: '/etc/a', append: false, owner: 'root:root', permissions: 0o644 },
      { path: '/etc/b', append: true },
      { path: '/opt/c/d', parents_only: true },
      { path: '/opt/e/.', parents_only: true },
    ])
    expect(request({ deploy_info: { deploys } }).write_files).toBeUndefined()
    for (const path of ['', '/a/../b', '/a/']) {
      expect(failure({ deploy_info: { is_init: true, deploys: [{ path, content: 'x' }] } })).toBe('INPUT_PATH_INVALID')
    }
  })

  test('mounts of data disks, by id', () => {
    const disks = [
      { disk_id: 'ROOT', fs: 'ext4' },
      { disk_id: '5F1A8C1E-0D1F-4B64-9A62-6F2F0D6D7C11', fs: 'xfs' },
      { disk_id: 'bbb', fs: 'ext4', mountpoint: '/srv' },
      { disk_id: 'ccc', fs: 'swap' },
      { disk_id: 'ddd', fs: 'ext4' },
      { disk_id: 'eee' },
    ]
    expect(first({}, { disks }).mounts).toEqual([
      {
        device: 'UUID=5f1a8c1e-0d1f-4b64-9a62-6f2f0d6d7c11',
        mountpoint: '/data',
        type: 'xfs',
        options: 'defaults,nofail',
        dump: 0,
        pass: 2,
      },
      { device: 'UUID=bbb', mountpoint: '/srv', type: 'ext4', options: 'defaults,nofail', dump: 0, pass: 2 },
      { device: 'UUID=ccc', mountpoint: null, type: 'swap', options: 'sw,nofail,x-systemd.device-timeout=30s', dump: 0, pass: 0 },
      { device: 'UUID=ddd', mountpoint: '/data1', type: 'ext4', options: 'defaults,nofail', dump: 0, pass: 2 },
    ])
    expect(request({ guest_desc: { disks } }).mounts).toBeUndefined()
  })

  test('user data: cloud-config below what the fields say, a script, a script of the field', () => {
    const merged = first({ user_data: '#cloud-config\nhostname: other\ntimezone: Europe/Berlin\n' }, { hostname: 'web' })
    expect(merged).toMatchObject({ hostname: 'web', timezone: 'Europe/Berlin' })
    const scripts = ['#!/bin/bash\necho hi\n', 'echo hi\n', '# a comment\necho hi\n'].map((user_data) => first({ user_data }))
    for (const script of scripts) expect(script.runcmd).toHaveLength(1)
    const text = Buffer.from(scripts[1]?.write_files?.[0]?.content ?? []).toString()
    expect(text).toBe('#!/bin/sh\necho hi\n')
    expect(request({ deploy_info: { user_data: 'echo hi' } }).runcmd).toBeUndefined()
  })

  test('user data with keys that nobody knows goes on, and says so; with broken YAML it does not', () => {
    const user_data = '#cloud-config\nsnap: {commands: [x]}\ntimezone: UTC\n'
    const { request: made, diagnostics } = mapped({ deploy_info: { is_init: true, user_data } })
    expect(made.timezone).toBe('UTC')
    expect(diagnostics).not.toEqual([])
    expect(failure({ deploy_info: { is_init: true, user_data: '#cloud-config\na: [' } })).toBe('INPUT_YAML_INVALID')
  })

  test.each([
    [{ is_init: true }, 'disable'],
    [{ is_init: true, enable_cloud_init: true }, 'keep'],
    [{}, 'keep'],
  ])('cloud-init with %j', (deploy_info, mode) => {
    expect(request({ deploy_info }).cloud_init).toBe(mode)
  })
})

test('SELinux is off only when the configuration says so', () => {
  expect(request({}).selinux).toBeUndefined()
  expect(request({}, { allowVmSelinux: false }).selinux).toEqual({ mode: 'disabled' })
})

test('the agent is left out, and said', () => {
  expect(codes({ deploy_info: { telegraf: { telegraf_conf: 'x' } } })).toEqual(['WIRE_AGENT_LEFT_OUT'])
})

describe('the image', () => {
  const image = (params: DeployParamsInput) => {
    const { disk_info: disk, guest_desc: guest } = received(params)
    return imageOfDisk({ disk, guest })
  }
  const disks = [
    { disk_id: 'a', path: '/i/a', format: 'qcow2' },
    { disk_id: 'b', path: '/i/b', format: 'raw' },
    { disk_id: 'c', path: '/i/c', format: 'vmdk' },
  ]

  test.each([
    [{ disk_info: { path: '/i/x' } }, { path: '/i/x' }],
    [
      { disk_info: { path: '/i/a' }, guest_desc: { disks } },
      { path: '/i/a', format: 'qcow2' },
    ],
    [
      { disk_info: { path: '/i/a', disk_id: 'b' }, guest_desc: { disks } },
      { path: '/i/b', format: 'raw' },
    ],
    [{ disk_info: { disk_id: 'c' }, guest_desc: { disks } }, { path: '/i/c' }],
    [{ disk_info: { path: '/i/x', disk_id: 'none' }, guest_desc: { disks } }, { path: '/i/x' }],
    [{ guest_desc: { disks } }, { path: '/i/a', format: 'qcow2' }],
  ])('%j', (params, expected) => {
    expect(image(params)).toEqual(expected)
  })

  test.each([
    ['INPUT_INVALID', {}],
    ['INPUT_INVALID', { disk_info: { path: 'relative' } }],
    ['INPUT_INVALID', { disk_info: { path: `/${'a'.repeat(5000)}` } }],
    ['DAEMON_NOT_IMPLEMENTED', { disk_info: { path: 'rbd:pool/image' } }],
    ['DAEMON_NOT_IMPLEMENTED', { disk_info: { path: '/dev/loop0' } }],
    ['DAEMON_NOT_IMPLEMENTED', { disk_info: { path: '/i/a', encrypt_password: 'x' } }],
    ['DAEMON_NOT_IMPLEMENTED', { disk_info: { path: '/i/a' }, guest_desc: { Hypervisor: 'esxi' } }],
    ['DAEMON_NOT_IMPLEMENTED', { disk_info: { path: '/i/a' }, guest_desc: { Hypervisor: 'proxmox' } }],
  ])('%s', (code, params) => {
    expect(() => image(params)).toThrow(expect.objectContaining({ code }))
  })
})

describe('format', () => {
  const thresholds = { ext4HugefileSizeGib: 512, ext4LargefileSizeGib: 4096 }
  const format = (params: Partial<Parameters<typeof requestOfFormat>[0]>) =>
    requestOfFormat({ disk_info: null, fs_format: 'xfs', uuid: '', fs_features: null, ...params }, thresholds)
  const ext4 = (CaseInsensitive: boolean, ReservedBlocksPercentage: number) => ({
    ext4: { CaseInsensitive, ReservedBlocksPercentage },
    f2fs: null,
  })

  test('ext4 with its features and thresholds', () => {
    expect(format({ fs_format: 'ext4', fs_features: ext4(true, 3), uuid: '5F1A8C1E-0D1F-4B64-9A62-6F2F0D6D7C11' })).toEqual({
      filesystem: 'ext4',
      uuid: '5f1a8c1e-0d1f-4b64-9a62-6f2f0d6d7c11',
      case_insensitive: true,
      reserved_blocks_percentage: 3,
      ext4_thresholds: { hugeBytes: 512 * 1024 ** 3, largefileBytes: 4096 * 1024 ** 3 },
    })
  })

  test('f2fs without features; swap', () => {
    expect(format({ fs_format: 'f2fs' })).toEqual({ filesystem: 'f2fs' })
    expect(format({ fs_format: 'swap', fs_features: ext4(true, 99) })).toEqual({ filesystem: 'swap' })
  })

  test.each([{ fs_format: 'zfs' }, { fs_format: '' }, { uuid: 'x' }, { fs_format: 'ext4', fs_features: ext4(false, 51) }])(
    'not %j',
    (params) => {
      expect(() => format(params)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }))
    },
  )
})

test.each(['ntfs', 'fat32', 'ext4dev'])('%s is not there yet', (fs_format) => {
  const params = { disk_info: null, fs_format, uuid: '', fs_features: null }
  const thresholds = { ext4HugefileSizeGib: 512, ext4LargefileSizeGib: 4096 }
  expect(() => requestOfFormat(params, thresholds)).toThrow(expect.objectContaining({ code: 'DAEMON_NOT_IMPLEMENTED' }))
})

const word = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.constantFrom('', ed25519, '10.0.0.1', '2001:db8::1', mac(3), '/a', '[]', 'swap', '#cloud-config\n'),
)
const number = fc.oneof(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), fc.integer({ min: 0, max: 64 }))
const nicShape = {
  ...Object.fromEntries(
    ['mac', 'ip', 'gateway', 'dns', 'domain', 'routes', 'driver', 'team_with', 'nic_type', 'ip6', 'gateway6'].map((key) => [key, word]),
  ),
  ...Object.fromEntries(['masklen', 'masklen6', 'index', 'vlan', 'bw'].map((key) => [key, number])),
  ...Object.fromEntries(['virtual', 'manual', 'is_default', 'link_up'].map((key) => [key, fc.boolean()])),
  mtu: fc.oneof(number, fc.maxSafeInteger()),
}
const anyParams = fc.record(
  {
    disk_info: fc.record({ path: word, disk_id: word }, { requiredKeys: [] }),
    guest_desc: fc.record(
      {
        name: word,
        hostname: word,
        domain: word,
        uuid: word,
        nics: fc.array(fc.record(nicShape, { requiredKeys: [] }), { maxLength: 4 }),
        disks: fc.array(fc.record({ disk_id: word, path: word, fs: word, mountpoint: word, format: word }, { requiredKeys: [] }), {
          maxLength: 4,
        }),
      },
      { requiredKeys: [] },
    ),
    deploy_info: fc.record(
      {
        public_key: fc.record(
          { public_key: word, delete_public_key: word, admin_public_key: word, project_public_key: word },
          { requiredKeys: [] },
        ),
        deploys: fc.array(fc.record({ path: word, content: word, action: fc.constantFrom('', 'append') }, { requiredKeys: [] }), {
          maxLength: 3,
        }),
        password: fc.constantFrom('', 'unguessable-hunter2'),
        is_init: fc.boolean(),
        default_root_user: fc.boolean(),
        login_account: word,
        user_data: word,
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
)

test('any params are a request or an INPUT error, and no password is in an error', () => {
  fc.assert(
    fc.property(anyParams, (params) => {
      try {
        const { request: made } = mapped(params)
        expect(JSON.stringify(made)).not.toContain('hunter2')
      } catch (error) {
        if (!DeployError.isInstance(error)) throw error
        expect(error.code).toMatch(/^INPUT_/)
        expect(`${error.message}${error.hint}${JSON.stringify(error.context)}`).not.toContain('hunter2')
      }
    }),
    { numRuns: 1000 },
  )
})
