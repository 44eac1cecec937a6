// The managers themselves apply what we wrote, in a network namespace of their own, and the kernel says what came of it: the same for all of them.
// Needs: netplan.io, ifupdown, systemd (networkd), iproute2; root, or sudo without a password (networkd drops its privileges itself).
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { NetworkConfig } from '@host-deployer/api'
import { afterAll, expect, test } from 'vitest'
import { testFacts } from '../../testing/test-facts.ts'
import type { NetworkBackend } from '../backend.ts'
import { networkFromRequest } from '../from-request.ts'
import { ifupdown } from './ifupdown.ts'
import { netplan } from './netplan.ts'
import { networkd } from './networkd.ts'

const directory = mkdtempSync(join(tmpdir(), 'kernel-state-'))
chmodSync(directory, 0o755)
const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n']
afterAll(() => {
  spawnSync('sh', ['-c', '"$@"', 'sh', ...asRoot, 'rm', '-rf', directory])
  rmSync(directory, { recursive: true, force: true })
})

const runNetworkd = `
mount -t tmpfs none /etc/systemd/network && mount -t tmpfs none /run
mkdir -p /run/systemd/netif && chown systemd-network:systemd-network /run/systemd/netif
cp -p "$1"/*.network /etc/systemd/network/
SYSTEMD_LOG_TARGET=console SYSTEMD_LOG_LEVEL=warning timeout 100 /lib/systemd/systemd-networkd >&2 & manager=$!
for look in $(seq 450); do grep -qs '^ADMIN_STATE=configured' /run/systemd/netif/links/* && break; sleep 0.2; done
sleep 1; kill "$manager"; wait "$manager"
`
const apply: Readonly<Record<string, string>> = {
  networkd: `set -- "$1/etc/systemd/network"; ${runNetworkd}`,
  netplan: `netplan generate --root-dir "$1"; set -- "$1/run/systemd/network"; ${runNetworkd}`,
  ifupdown: 'mkdir -p "$1/state"; ifup -a --no-scripts -i "$1/etc/network/interfaces" --state-dir "$1/state" >&2',
}

interface KernelState {
  readonly addresses: readonly string[]
  readonly routes: readonly string[]
  readonly mtu: number
}

interface Link {
  readonly ifname: string
  readonly mtu: number
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number; readonly scope: string }[]
}
interface Route {
  readonly dst: string
  readonly gateway?: string
  readonly metric?: number
  readonly dev: string
  readonly protocol: string
}

let run = 0
function kernelState(backend: NetworkBackend, config: NetworkConfig): { readonly state: KernelState; readonly complaints: string } {
  const root = join(directory, String(run++))
  const context = { facts: testFacts('debian-12', { systemdVersion: 252, networkManagers: ['networkd'] }), dns: 'none' } as const
  for (const { path, content, mode } of backend.render(networkFromRequest(config) ?? { nics: [] }, context).files) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content.replace('source /etc/network/interfaces.d/*', ''), { mode })
  }
  // The namespace's own interfaces in /sys; read-only, as in a container, tells networkd that there is no udev to wait for.
  const script = `
mount -t sysfs -o ro none /sys
ip link set lo up
ip link add eth7 address 52:54:00:12:34:56 type veth peer name p0 && ip link set p0 up
${apply[backend.id]}
ip -j addr show dev eth7; ip -j -4 route; ip -j -6 route
`
  const [program = '', ...args] = [...asRoot, 'unshare', '-mn', 'sh', '-c', script, 'sh', root]
  const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  const [links = [], routes4 = [], routes6 = []] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown[]) as [Link[], Route[], Route[]]
  const state = {
    addresses: links
      .flatMap(({ addr_info: list }) =>
        list.filter(({ scope }) => scope === 'global').map(({ local, prefixlen }) => `${local}/${prefixlen}`),
      )
      .sort(),
    routes: [...routes4, ...routes6]
      .filter(({ dev, protocol }) => dev === 'eth7' && protocol !== 'kernel')
      // The kernel gives IPv6 routes without a metric 1024.
      .map(({ dst, gateway, metric }) => [dst, gateway, metric === 1024 ? undefined : metric].join(' ').trim())
      .sort(),
    mtu: links[0]?.mtu ?? 0,
  }
  return { state, complaints: stderr }
}

const matching = (match: { readonly macaddress?: string; readonly name?: string }): NetworkConfig => ({
  version: 2,
  ethernets: {
    // A handle that no interface could have as its name.
    'primary interface/0': {
      match,
      'accept-ra': false,
      addresses: ['192.0.2.10/24', '198.51.100.10/25', '2001:db8::10/64'],
      routes: [
        { to: 'default', via: '203.0.113.1', 'on-link': true },
        { to: '::/0', via: 'fe80::1' },
        { to: '10.1.2.3/8', via: '192.0.2.254', metric: 50 },
        { to: '2001:db8:1::/48', via: '2001:db8::fe' },
        { to: '172.16.0.0/12' },
      ],
      mtu: 1400,
    },
  },
})
const byMac = { macaddress: '52:54:00:12:34:56' }

test.each([
  { backend: networkd, match: byMac },
  { backend: networkd, match: { name: 'eth7' } },
  // By MAC address netplan asks for the permanent one, which the interfaces of this test do not have.
  { backend: netplan, match: { name: 'eth7' } },
  { backend: ifupdown, match: byMac },
  { backend: ifupdown, match: { name: 'eth*' } },
])('$backend.id by $match', ({ backend, match }) => {
  const { state, complaints } = kernelState(backend, matching(match))
  expect(complaints).toMatch(backend === ifupdown ? /^(Waiting for DAD.*\n)?$/ : /^$/)
  expect(state).toEqual({
    addresses: ['192.0.2.10/24', '198.51.100.10/25', '2001:db8::10/64'],
    routes: ['10.0.0.0/8 192.0.2.254 50', '172.16.0.0/12', '2001:db8:1::/48 2001:db8::fe', 'default 203.0.113.1', 'default fe80::1'],
    mtu: 1400,
  })
})
