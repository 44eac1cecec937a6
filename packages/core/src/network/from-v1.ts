import type { NetworkV1Item, NetworkV1Subnet } from '@host-deployer/api'
import { ipFamily, networkOf } from './ip.ts'
import type { NetworkModel, Nic, NicAddress, NicDns, NicRoute } from './model.ts'
import {
  checkedAddress,
  checkedHost,
  checkedInterfaceName,
  checkedMac,
  checkedMtu,
  checkedRoute,
  checkedSearchDomain,
  networkInputError,
} from './validate.ts'

type Physical = Extract<NetworkV1Item, { type: 'physical' }>
type Nameserver = Extract<NetworkV1Item, { type: 'nameserver' }>

/**
 * Network configuration version 1 (cloud-init's "Networking config Version 1") as model. An interface with a MAC address is found by it and gets the
 * name it has in the request; one without is found by that name. `INPUT_NETWORK_*`.
 */
export function networkFromV1(items: readonly NetworkV1Item[]): NetworkModel {
  const global = globalDns(items)
  const nics = items.flatMap((item, index) => (item.type === 'physical' ? [physical(item, `network.config[${index}]`)] : []))
  const routes = items.flatMap((item, index) =>
    item.type === 'route' ? [checkedRoute({ ...item, to: item.destination, via: item.gateway }, `network.config[${index}]`)] : [],
  )
  return { nics: withRoutes(nics, routes).map((nic) => ({ ...nic, dns: mergedDns(nic.dns, global(nic.id)) })) }
}

function physical(item: Physical, path: string): Nic {
  const id = checkedInterfaceName(item.name, `${path}.name`)
  const mac = item.mac_address === undefined ? undefined : checkedMac(item.mac_address, `${path}.mac_address`)
  const subnets = item.subnets.map((subnet, index) => ownSubnetParts(subnet, `${path}.subnets[${index}]`))
  const types = item.subnets.map(({ type }) => type)
  const has = (...wanted: readonly NetworkV1Subnet['type'][]) => types.some((type) => wanted.includes(type))
  const dhcp6 = has('dhcp6', 'ipv6_dhcpv6-stateful', 'ipv6_dhcpv6-stateless')
  const acceptRa = has('ipv6_slaac', 'ipv6_dhcpv6-stateful', 'ipv6_dhcpv6-stateless')
  return {
    id,
    match: mac === undefined ? { name: id } : { mac },
    ...(mac === undefined ? {} : { setName: id }),
    dhcp4: has('dhcp', 'dhcp4'),
    dhcp6,
    ...(acceptRa ? { acceptRa } : {}),
    addresses: subnets.flatMap(({ addresses }) => addresses),
    routes: subnets.flatMap(({ routes }) => routes),
    dns: subnets.reduce<NicDns>((sum, { dns }) => mergedDns(sum, dns), { addresses: [], search: [] }),
    ...(item.mtu === undefined ? {} : { mtu: checkedMtu(item.mtu, `${path}.mtu`) }),
    optional: false,
    dhcp4Overrides: {},
    dhcp6Overrides: {},
  }
}

interface SubnetParts {
  readonly addresses: readonly NicAddress[]
  readonly routes: readonly NicRoute[]
  readonly dns: NicDns
}

function ownSubnetParts(subnet: NetworkV1Subnet, path: string): SubnetParts {
  if (subnet.address === undefined && (subnet.type === 'static' || subnet.type === 'static6')) {
    throw networkInputError(
      'INPUT_NETWORK_ADDRESS',
      `${path}.address`,
      'is missing',
      'Give the address with its prefix length: 192.0.2.10/24.',
    )
  }
  return subnetParts(subnet, path)
}

function subnetParts(subnet: NetworkV1Subnet, path: string): SubnetParts {
  const addresses = subnet.address === undefined ? [] : [checkedAddress(subnet.address, `${path}.address`, subnet.netmask)]
  const gateway = subnet.gateway === undefined ? [] : [checkedRoute({ to: 'default', via: subnet.gateway }, `${path}.gateway`)]
  const routes = subnet.routes.map((route, index) =>
    checkedRoute({ ...route, to: route.destination, via: route.gateway }, `${path}.routes[${index}]`),
  )
  return { addresses, routes: [...gateway, ...routes], dns: checkedDns(subnet.dns_nameservers, subnet.dns_search, path) }
}

function checkedDns(addresses: readonly string[], search: readonly string[], path: string): NicDns {
  return {
    addresses: addresses.map((address, index) => checkedHost(address, `${path}.dns_nameservers[${index}]`)),
    search: search.map((domain, index) => checkedSearchDomain(domain, `${path}.dns_search[${index}]`)),
  }
}

/** `nameserver` items: of one interface when they name it, which then has to be there, else of all. What stands with loopback is of all, too. */
function globalDns(items: readonly NetworkV1Item[]): (id: string) => NicDns {
  const named = items.flatMap((item, index): { readonly of: string | undefined; readonly dns: NicDns }[] => {
    const path = `network.config[${index}]`
    if (item.type === 'nameserver') return [{ of: ownerOf(item, items, path), dns: checkedDns(item.address, item.search, path) }]
    if (item.type !== 'loopback') return []
    return item.subnets.map((subnet, at) => ({ of: undefined, dns: loopbackDns(subnet, `${path}.subnets[${at}]`) }))
  })
  return (id) =>
    named
      .filter(({ of }) => of === undefined || of === id)
      .reduce<NicDns>((sum, { dns }) => mergedDns(sum, dns), { addresses: [], search: [] })
}

function ownerOf({ interface: name }: Nameserver, items: readonly NetworkV1Item[], path: string): string | undefined {
  if (name === undefined) return undefined
  const owner = items.find((item) => (item.type === 'physical' || item.type === 'loopback') && item.name === name)
  if (owner !== undefined) return owner.type === 'loopback' ? undefined : name
  const hint = 'Name an interface of the configuration, or leave "interface" out: then the servers are for all.'
  throw networkInputError('INPUT_NETWORK_DNS', `${path}.interface`, `there is no interface ${JSON.stringify(name)}`, hint)
}

function loopbackDns(subnet: NetworkV1Subnet, path: string): NicDns {
  const { addresses, routes, dns } = subnetParts(subnet, path)
  if (addresses.length === 0 && routes.length === 0) return dns
  throw networkInputError('INPUT_NETWORK_UNSUPPORTED', path, 'addresses and routes of loopback are not supported yet', 'Leave them out.')
}

/** A `route` item names no interface: it goes to the one whose network holds the gateway, else to the first. */
function withRoutes(nics: readonly Nic[], routes: readonly NicRoute[]): readonly Nic[] {
  return routes.reduce<readonly Nic[]>((all, route) => {
    const holder = all.find((nic) => nic.addresses.some((address) => holds(address, route.via))) ?? all[0]
    return all.map((nic) => (nic === holder ? { ...nic, routes: [...nic.routes, route] } : nic))
  }, nics)
}

function holds(address: NicAddress, host: string | undefined): boolean {
  return host !== undefined && ipFamily(host) === address.family && networkOf({ ...address, address: host }) === networkOf(address)
}

export function mergedDns(one: NicDns, other: NicDns): NicDns {
  return { addresses: [...new Set([...one.addresses, ...other.addresses])], search: [...new Set([...one.search, ...other.search])] }
}
