import { isIP, isIPv4, isIPv6 } from 'node:net'
import type { NetworkConfig, NetworkV2Ethernet } from '@host-deployer/api'
import type { GuestDesc, Nic } from '@host-deployer/api/grpc'
import type { Diagnostic } from '@host-deployer/driver-api'
import { type GuestNics, isWithin, type NetworkSettings, type NicRoute, routesOfNic } from './nic-routes.ts'
import { ignored, networkError } from './wire-findings.ts'

/** What a machine without a network gets: nothing else than the way to the metadata service. */
const pseudoAddress = '169.254.169.231/32'
/** The field's placeholder for "none", which must not become a search domain. */
const illegalDomain = 'cloud.onecloud.io'

/**
 * The guest's interfaces as network configuration version 2: found by MAC address, called `eth<index>`, which clients expect (`en<index>` where the
 * drivers differ). Without an interface with a MAC address there is none.
 *
 * `INPUT_INVALID`, `INPUT_NETWORK_*`; bonds, InfiniBand and VLANs of bare metal are `INPUT_NETWORK_UNSUPPORTED`. What cannot be used and is no reason to fail
 * goes to `diagnose`.
 */
export function networkOfNics(
  { nics, Hypervisor: hypervisor }: Pick<GuestDesc, 'nics' | 'Hypervisor'>,
  settings: NetworkSettings,
  diagnose: (finding: Diagnostic) => void,
): NetworkConfig | undefined {
  const usable = nics.filter((nic, index) => isUsable(nic, hypervisor, `guest_desc.nics[${index}]`, diagnose))
  if (usable.length === 0) return undefined
  const names = interfaceNames(usable, diagnose)
  const guest = { nics: usable, main: { v4: mainNic(usable, 'ip', 'gateway'), v6: mainNic(usable, 'ip6', 'gateway6') }, settings }
  const ethernets = usable.map((nic, index): [string, NetworkV2Ethernet] => {
    const path = `guest_desc.nics[${nics.indexOf(nic)}]`
    return [names[index] ?? '', { ...ethernetOf(nic, guest, path, diagnose), 'set-name': names[index] ?? '' }]
  })
  return { version: 2, ethernets: Object.fromEntries(ethernets) }
}

function isUsable(nic: Nic, hypervisor: string, path: string, diagnose: (finding: Diagnostic) => void): boolean {
  const kind = nic.nic_type.toLowerCase()
  if (nic.mac === '' || kind === 'ipmi') {
    diagnose(ignored(path, nic.mac === '' ? 'an interface without a MAC address' : 'an IPMI interface'))
    return false
  }
  if (!/^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i.test(nic.mac)) throw networkError('INPUT_NETWORK_MAC', `${path}.mac`, 'is not a MAC address')
  if (nic.team_with !== '') throw networkError('INPUT_NETWORK_UNSUPPORTED', `${path}.team_with`, 'bonds cannot be made yet')
  if (kind === 'infiniband') throw networkError('INPUT_NETWORK_UNSUPPORTED', `${path}.nic_type`, 'InfiniBand cannot be set up yet')
  // Other hypervisors tag outside of the guest; 0 and 1 are the field's ways to say untagged.
  if (hypervisor === 'baremetal' && nic.vlan > 1)
    throw networkError('INPUT_NETWORK_UNSUPPORTED', `${path}.vlan`, 'VLANs cannot be made yet')
  return true
}

/** By `index`; by place where two have the same one. */
function interfaceNames(nics: readonly Nic[], diagnose: (finding: Diagnostic) => void): string[] {
  const prefix = new Set(nics.map(({ driver }) => driver)).size > 1 ? 'en' : 'eth'
  const indexes = nics.map(({ index }) => index)
  const good = new Set(indexes).size === nics.length && indexes.every((index) => index >= 0 && index < 10_000)
  if (!good) diagnose(ignored('guest_desc.nics[].index', 'numbers that are not there once each; interfaces are counted instead'))
  return nics.map(({ index }, place) => `${prefix}${good ? index : place}`)
}

/** `is_default`, when it can be; else the first with address and gateway. */
function mainNic(nics: readonly Nic[], ip: 'ip' | 'ip6', gateway: 'gateway' | 'gateway6'): Nic | undefined {
  const able = nics.filter((nic) => nic[ip] !== '' && nic[gateway] !== '' && !nic.virtual)
  return able.find(({ is_default }) => is_default) ?? able[0]
}

function ethernetOf(nic: Nic, guest: GuestNics, path: string, diagnose: (finding: Diagnostic) => void): NetworkV2Ethernet {
  const { main } = guest
  const base = { match: { macaddress: nic.mac.toLowerCase().replaceAll('-', ':') }, addresses: [], routes: [] }
  if (nic.virtual) return { ...base, addresses: [pseudoAddress], ...mtuOf(nic, path, diagnose) }
  if (!nic.manual) {
    const dhcp6 = nic.ip6 !== ''
    return { ...base, dhcp4: nic.ip !== '' || !dhcp6, dhcp6, ...(dhcp6 && { 'accept-ra': true }), ...mtuOf(nic, path, diagnose) }
  }
  const addresses = [...addressOf(nic.ip, nic.masklen, 4, `${path}.ip`), ...addressOf(nic.ip6, nic.masklen6, 6, `${path}.ip6`)]
  const nameservers = { addresses: dnsOf(nic, path), search: searchOf(nic, path, diagnose) }
  return {
    ...base,
    addresses,
    routes: [
      ...(nic === main.v4 ? [defaultRoute(nic.gateway, addresses, 4, `${path}.gateway`)] : []),
      ...(nic === main.v6 ? [defaultRoute(nic.gateway6, addresses, 6, `${path}.gateway6`)] : []),
      ...routesOfNic(nic, guest, path).map((route) => onLinkWhereNeeded(route, addresses)),
    ],
    ...((nameservers.addresses.length > 0 || nameservers.search.length > 0) && { nameservers }),
    ...mtuOf(nic, path, diagnose),
  }
}

function addressOf(ip: string, masklen: number, family: 4 | 6, path: string): string[] {
  if (ip === '') return []
  if (isIP(ip) !== family || ip.includes('%')) throw networkError('INPUT_NETWORK_ADDRESS', path, `is not an IPv${family} address`)
  if (!(masklen >= 1 && masklen <= (family === 4 ? 32 : 128))) {
    throw networkError('INPUT_NETWORK_ADDRESS', path, 'has no prefix length that can be one')
  }
  return [`${ip}/${masklen}`]
}

function defaultRoute(gateway: string, addresses: readonly string[], family: 4 | 6, path: string): NicRoute {
  if (isIP(gateway) !== family || gateway.includes('%')) throw networkError('INPUT_NETWORK_ROUTE', path, `is not an IPv${family} address`)
  return onLinkWhereNeeded({ to: family === 4 ? '0.0.0.0/0' : '::/0', via: gateway }, addresses)
}

/** Clouds hand out gateways that are in no network of the interface. Link-local ones always are in one. */
function onLinkWhereNeeded(route: NicRoute, addresses: readonly string[]): NicRoute {
  const { via } = route
  if (via === undefined || (isIPv6(via) && /^fe[89ab]/i.test(via))) return route
  return addresses.some((address) => isWithin(via, address)) ? route : { ...route, 'on-link': true }
}

function dnsOf({ dns }: Nic, path: string): string[] {
  const servers = dns
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
  if (servers.every((server) => isIPv4(server) || (isIPv6(server) && !server.includes('%')))) return [...new Set(servers)]
  throw networkError('INPUT_NETWORK_DNS', `${path}.dns`, 'is not a list of addresses')
}

function searchOf({ domain }: Nic, path: string, diagnose: (finding: Diagnostic) => void): string[] {
  const name = domain.trim().replace(/\.$/, '')
  if (name === '' || name === illegalDomain) return []
  if (name.length <= 253 && /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)*$/i.test(name)) return [name]
  diagnose(ignored(`${path}.domain`, 'a search domain that is not a domain name'))
  return []
}

/** The least that IPv6 works with is 1280, that IPv4 works with 68. */
function mtuOf({ mtu, ip6 }: Nic, path: string, diagnose: (finding: Diagnostic) => void): { readonly mtu?: number } {
  if (mtu === 0) return {}
  if (Number.isInteger(mtu) && mtu >= (ip6 === '' ? 68 : 1280) && mtu <= 65_535) return { mtu }
  diagnose(ignored(`${path}.mtu`, 'an MTU that no network has'))
  return {}
}
