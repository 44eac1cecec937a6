// netplan itself reads what we wrote. Needs: netplan.io.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NetworkConfig } from '@host-deployer/api'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { arbitraryTwinNics } from '../../testing/arbitrary-network.ts'
import { testFacts } from '../../testing/test-facts.ts'
import { networkFromRequest } from '../from-request.ts'
import { netplan } from './netplan.ts'

const directory = mkdtempSync(join(tmpdir(), 'netplan-'))
afterAll(() => rmSync(directory, { recursive: true }))

/** What `netplan generate` makes of a configuration: networkd's files by name. Rejects when it is not accepted without a warning. */
let run = 0
function generate(config: NetworkConfig): Readonly<Record<string, string>> {
  const root = join(directory, String(run++))
  const model = networkFromRequest(config) ?? { nics: [] }
  for (const { path, content, mode } of netplan.render(model, {
    facts: testFacts('ubuntu-24.04', { networkManagers: ['networkd'] }),
    dns: 'none',
  }).files) {
    mkdirSync(join(root, path, '..'), { recursive: true })
    writeFileSync(join(root, path), content, { mode })
  }
  const { status, stderr } = spawnSync('netplan', ['generate', '--root-dir', root], { encoding: 'utf8' })
  expect([status, stderr]).toEqual([0, ''])
  const generated = join(root, 'run/systemd/network')
  const names = existsSync(generated) ? readdirSync(generated) : []
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(generated, name), 'utf8')]))
}

test('accepts everything, quietly, and sets every address', () => {
  for (const nics of fc.sample(arbitraryTwinNics, { numRuns: 8, seed: 1 })) {
    const files = generate({ version: 2, ethernets: Object.fromEntries(nics.map(({ name, v2 }) => [name, v2])) })
    for (const { name, v2 } of nics) {
      const network = files[`10-netplan-${name}.network`] ?? ''
      for (const address of v2.addresses) expect(network).toContain(`Address=${address}\n`)
      expect(network.includes('DHCP=ipv4')).toBe(v2.dhcp4)
    }
  }
})

test('routes, link settings and overrides arrive', () => {
  const files = generate({
    version: 2,
    ethernets: {
      uplink: {
        match: { macaddress: '52:54:00:12:34:56' },
        'set-name': 'lan0',
        'accept-ra': false,
        addresses: ['192.0.2.10/32', '2001:db8::10/64'],
        routes: [
          { to: 'default', via: '203.0.113.1', 'on-link': true },
          { to: '::/0', via: 'fe80::1', metric: 7 },
          { to: '198.51.100.0/24' },
        ],
        nameservers: { addresses: ['192.0.2.53'], search: ['example.org'] },
        mtu: 1400,
      },
      eth1: {
        addresses: [],
        routes: [],
        dhcp4: true,
        dhcp6: true,
        'dhcp4-overrides': { 'route-metric': 9, 'use-dns': false, hostname: 'web' },
        optional: true,
      },
    },
  })
  expect(files['10-netplan-uplink.link']).toMatch(/MACAddress=52:54:00:12:34:56[\s\S]*Name=lan0[\s\S]*MTUBytes=1400/)
  const uplink = files['10-netplan-uplink.network'] ?? ''
  for (const line of [
    'IPv6AcceptRA=no',
    'DNS=192.0.2.53',
    'Domains=example.org',
    'GatewayOnLink=true',
    'Gateway=fe80::1',
    'Metric=7',
    'Scope=link',
  ]) {
    expect(uplink).toContain(`${line}\n`)
  }
  const eth1 = files['10-netplan-eth1.network'] ?? ''
  for (const line of ['DHCP=yes', 'UseDNS=false', 'RouteMetric=9', 'Hostname=web', 'RequiredForOnline=no'])
    expect(eth1).toContain(`${line}\n`)
})

test('an interface with a handle that is no interface name', () => {
  const match = { macaddress: '52:54:00:12:34:56' }
  const files = generate({ version: 2, ethernets: { 'primary interface/0': { match, addresses: [], routes: [], dhcp4: true } } })
  const [name, ...others] = Object.keys(files)
  expect([name?.startsWith('10-netplan-primary-'), others]).toEqual([true, []])
  expect(files[name ?? '']).toMatch(/MACAddress=52:54:00:12:34:56[\s\S]*DHCP=ipv4/)
})
