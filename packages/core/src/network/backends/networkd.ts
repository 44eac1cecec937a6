import { generatedHeader } from '@host-deployer/formats'
import { guestPath } from '@host-deployer/guest-fs'
import type { GuestFacts } from '@host-deployer/os-detect'
import type { NetworkBackend, NetworkFile } from '../backend.ts'
import { interfaceNameFiles } from '../interface-names.ts'
import type { DhcpOverrides, Nic, NicRoute } from '../model.ts'
import { matchingPaths } from '../owned-files.ts'

const enabledLinks = ['/etc/systemd/system/multi-user.target.wants/systemd-networkd.service']

/** systemd.network(5): the first file by name whose `[Match]` fits an interface configures it. */
export const networkd: NetworkBackend = {
  id: 'networkd',
  owns: ['/etc/systemd/network/*.network'],
  detect: async (facts, fs) => {
    if (!facts.networkManagers.includes('networkd')) return 'absent'
    return (await matchingPaths(fs, enabledLinks)).length > 0 ? 'enabled' : 'installed'
  },
  render: (model, { facts }) => {
    if (model.nics.length === 0) return { files: [], units: [] }
    const files = model.nics.map((nic) => networkFile(nic, facts))
    const ignored = model.nics
      .filter(({ wakeOnLan, setName }) => wakeOnLan === true && setName === undefined)
      .map(({ id }) => `${id}.wakeonlan`)
    return { files: [...files, ...interfaceNameFiles(model, facts)], units: ['systemd-networkd.service'], ignored }
  },
}

type Section = readonly [name: string, lines: readonly (string | undefined)[]]

function networkFile(nic: Nic, facts: GuestFacts): NetworkFile {
  // Spellings changed with systemd 243: [DHCP] became [DHCPv4] and [DHCPv6], GatewayOnlink= became GatewayOnLink=.
  const old = facts.systemdVersion !== null && facts.systemdVersion < 243
  const dhcp4 = dhcpLines(nic.dhcp4Overrides)
  const dhcp6 = dhcpLines(nic.dhcp6Overrides)
  const sections: Section[] = [
    ['Match', matchLines(nic)],
    ['Link', [line('MTUBytes', nic.mtu), line('MACAddress', nic.macAddress), nic.optional ? 'RequiredForOnline=no' : undefined]],
    ['Network', networkLines(nic)],
    ...nic.routes.map((route): Section => ['Route', routeLines(route, old)]),
    ...(old
      ? [['DHCP', [...new Set([...(nic.dhcp4 ? dhcp4 : []), ...(nic.dhcp6 ? dhcp6 : [])])]] as const]
      : [['DHCPv4', nic.dhcp4 ? dhcp4 : []] as const, ['DHCPv6', nic.dhcp6 ? dhcp6 : []] as const]),
  ]
  const body = sections
    .map(([name, lines]) => [name, lines.filter((text) => text !== undefined)] as const)
    .filter(([, lines]) => lines.length > 0)
    .map(([name, lines]) => `\n[${name}]\n${lines.join('\n')}\n`)
  return {
    path: guestPath(`/etc/systemd/network/10-host-deployer-${nic.id}.network`),
    content: generatedHeader('#') + body.join(''),
    mode: 0o644,
  }
}

/**
 * By MAC address alone where there is one: should the interface not get its new name, it still gets its addresses. Without, a renamed interface has its new
 * name by the time networkd looks.
 */
const matchLines = ({ match, setName }: Nic) => [
  line('MACAddress', match.mac),
  // Not VLANs and bridges on top, which have the same address.
  match.mac === undefined ? undefined : 'Type=ether',
  line('Name', setName === undefined ? match.name : match.mac === undefined ? setName : undefined),
  line('Driver', match.driver),
]

function networkLines(nic: Nic): (string | undefined)[] {
  const dhcp = nic.dhcp4 && nic.dhcp6 ? 'yes' : nic.dhcp4 ? 'ipv4' : nic.dhcp6 ? 'ipv6' : 'no'
  return [
    `DHCP=${dhcp}`,
    line('IPv6AcceptRA', nic.acceptRa === undefined ? undefined : yesNo(nic.acceptRa)),
    ...nic.addresses.map(({ address, prefixLength }) => `Address=${address}/${prefixLength}`),
    ...nic.dns.addresses.map((address) => `DNS=${address}`),
    line('Domains', nic.dns.search.length === 0 ? undefined : nic.dns.search.join(' ')),
  ]
}

const routeLines = ({ to, via, metric, onLink }: NicRoute, old: boolean) => [
  `Destination=${to}`,
  line('Gateway', via),
  onLink && via !== undefined ? `${old ? 'GatewayOnlink' : 'GatewayOnLink'}=yes` : undefined,
  via === undefined ? 'Scope=link' : undefined,
  line('Metric', metric),
]

const dhcpKeys: Readonly<Record<string, string>> = {
  'use-dns': 'UseDNS',
  'use-ntp': 'UseNTP',
  'use-hostname': 'UseHostname',
  'use-mtu': 'UseMTU',
  'use-routes': 'UseRoutes',
  'use-domains': 'UseDomains',
  'send-hostname': 'SendHostname',
  hostname: 'Hostname',
  'route-metric': 'RouteMetric',
}

const dhcpLines = (overrides: DhcpOverrides) =>
  Object.entries(overrides).map(([key, value]) => line(dhcpKeys[key] ?? key, typeof value === 'boolean' ? yesNo(value) : value))

const line = (key: string, value: string | number | undefined) => (value === undefined ? undefined : `${key}=${value}`)
const yesNo = (value: boolean) => (value ? 'yes' : 'no')
