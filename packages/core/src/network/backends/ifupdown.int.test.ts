// ifupdown itself reads what we wrote. Needs: ifupdown. Uses the loopback interface and the machine's first other one, without touching either.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NetworkConfig } from '@host-deployer/api'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { arbitraryTwinNics } from '../../testing/arbitrary-network.ts'
import { testFacts } from '../../testing/test-facts.ts'
import { networkFromRequest } from '../from-request.ts'
import { ifupdown } from './ifupdown.ts'

const directory = mkdtempSync(join(tmpdir(), 'ifupdown-'))
const file = join(directory, 'interfaces')
afterAll(() => rmSync(directory, { recursive: true }))

let device = ''
let mac = ''
beforeAll(() => {
  const found = readdirSync('/sys/class/net').find((name) => name !== 'lo')
  if (found === undefined) throw new Error('This test needs a network interface besides lo')
  device = found
  mac = readFileSync(`/sys/class/net/${device}/address`, 'utf8').trim()
})

function write(config: NetworkConfig): void {
  const facts = testFacts('debian-12', { systemdVersion: 252 })
  const { files } = ifupdown.render(networkFromRequest(config) ?? { nics: [] }, { facts, dns: 'none' })
  const content = files.find(({ path }) => path === '/etc/network/interfaces')?.content ?? ''
  writeFileSync(file, content.replace('source /etc/network/interfaces.d/*', ''))
}

function tool(...argv: readonly [string, ...string[]]): string {
  const [program, ...args] = argv
  const { status, stdout, stderr } = spawnSync(program, [...args, '-i', file, `--state-dir=${directory}`], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program}: ${stderr}`)
  return stdout + stderr
}

test('ifquery finds every interface and address', () => {
  for (const nics of fc.sample(arbitraryTwinNics, { numRuns: 40, seed: 2 })) {
    write({ version: 2, ethernets: Object.fromEntries(nics.map(({ name, v2 }) => [name, v2])) })
    const shown = (name: string) => {
      const { status, stdout, stderr } = spawnSync('ifquery', ['-i', file, name], { encoding: 'utf8' })
      expect([status, stderr]).toEqual([0, ''])
      return stdout
    }
    for (const { name, v2 } of nics) {
      // By another name it would be asked for as physical interface with this logical one.
      const all = shown(`x=${name}`)
      for (const address of v2.addresses) expect(all).toContain(`address: ${address.split('/')[0]}\n`)
      if (v2.gateway4 !== undefined) expect(all).toContain(`gateway: ${v2.gateway4}\n`)
    }
  }
})

test('an interface is brought up by its MAC address, whatever its name', () => {
  write({
    version: 2,
    ethernets: {
      a: {
        match: { macaddress: mac },
        'set-name': 'lan0',
        addresses: ['192.0.2.10/24', '2001:db8::10/64'],
        gateway4: '192.0.2.1',
        routes: [{ to: '10.0.0.0/8', via: '192.0.2.9', metric: 5, 'on-link': true }],
        mtu: 1400,
      },
    },
  })
  const commands = tool('ifup', '--no-act', '--verbose', '-a')
  expect(commands).toContain(`configuring interface ${device}=lan0 (inet)`)
  expect(commands).toMatch(new RegExp(`ip addr add 192\\.0\\.2\\.10/\\S+ .*dev ${device}`))
  expect(commands).toContain('ip route add default via 192.0.2.1')
  expect(commands).toContain('ip -4 route replace 10.0.0.0/8 via 192.0.2.9 dev "$IFACE" metric 5 onlink || true')
  expect(commands).toContain(`ip -6 addr add 2001:db8::10/64`)
})

test('by a pattern of its name; one that is absent does no harm', () => {
  const ethernet = { routes: [], optional: true }
  const absent = { ...ethernet, match: { macaddress: '52:54:00:ff:ff:fe' }, addresses: ['192.0.2.11/24'] }
  write({
    version: 2,
    ethernets: { absent, wired: { ...ethernet, match: { name: `${device.slice(0, -1)}*` }, addresses: ['192.0.2.10/24'] } },
  })
  const commands = tool('ifup', '--no-act', '--verbose', '-a')
  expect(commands).toContain(`configuring interface ${device}=wired (inet)`)
  expect(commands).not.toContain('=absent')
})

test('by its MAC address, under a handle that is no interface name', () => {
  write({ version: 2, ethernets: { 'primary interface/0': { match: { macaddress: mac }, addresses: ['192.0.2.10/24'], routes: [] } } })
  expect(tool('ifup', '--no-act', '--verbose', '-a')).toMatch(new RegExp(`configuring interface ${device}=primary-\\w+ \\(inet\\)`))
})

test('an optional one of a known name only when it is plugged in', () => {
  write({ version: 2, ethernets: { [device]: { addresses: ['192.0.2.10/24'], routes: [], optional: true } } })
  expect(tool('ifup', '--no-act', '--verbose', '-a')).not.toContain(`interface ${device}`)
  expect(tool('ifup', '--no-act', '--verbose', '--allow=hotplug', device)).toContain(`configuring interface ${device}=${device} (inet)`)
})
