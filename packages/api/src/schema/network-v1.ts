import { isIP } from 'node:net'
import * as z from 'zod'
import type { NetworkV1Item, NetworkV1Subnet } from '../request.ts'
import { keyed } from './keyed.ts'
import {
  integer,
  interfaceName,
  ipAddress,
  ipAddressOrCidr,
  isDomain,
  isIpAddress,
  isNetmask,
  macAddress,
  mtu,
  netmask,
  present,
  wordList,
} from './scalars.ts'

const addresses = wordList.refine((words) => words.every(isIpAddress), 'has a word that is not an IP address')
const domains = wordList.refine((words) => words.every(isDomain), 'has a word that is not a domain name')
const metric = integer(0, 4_294_967_295)

const routeShape = {
  destination: ipAddressOrCidr.optional(),
  /** The older name of `destination`. */
  network: ipAddressOrCidr.optional(),
  netmask: netmask.optional(),
  prefix: netmask.optional(),
  gateway: ipAddress,
  metric: metric.optional(),
}

type Route = z.output<z.ZodObject<typeof routeShape>>

function routeOf(given: Route, context: z.core.$RefinementCtx): NetworkV1Subnet['routes'][number] {
  const destination = given.destination ?? given.network
  const mask = given.netmask ?? given.prefix
  const problem = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
  if (destination === undefined) problem('destination', 'is missing')
  else if (mask !== undefined && destination.includes('/')) problem('netmask', 'is given twice: the destination has a prefix length')
  else if (family(destination) !== family(given.gateway)) problem('gateway', 'is not of the same IP version as the destination')
  return { destination: destination ?? '', gateway: given.gateway, ...present({ netmask: mask, metric: given.metric }) }
}

const family = (address: string) => isIP(address.split('/')[0] ?? '')

const subnet = keyed(
  {
    type: z.enum(['dhcp', 'dhcp4', 'dhcp6', 'static', 'static6', 'manual', 'ipv6_slaac', 'ipv6_dhcpv6-stateful', 'ipv6_dhcpv6-stateless']),
    address: ipAddressOrCidr.optional(),
    netmask: netmask.optional(),
    gateway: ipAddress.optional(),
    dns_nameservers: addresses.optional(),
    dns_search: domains.optional(),
    routes: z.array(keyed(routeShape).transform(routeOf)).optional(),
  },
  ['broadcast', 'control', 'pointopoint', 'ipv4', 'ipv6', 'scope', 'metric'],
).transform((given, context): NetworkV1Subnet => {
  const problem = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
  const { address, netmask: mask, gateway } = given
  if (given.type === 'static' || given.type === 'static6') {
    if (address === undefined) problem('address', 'is missing')
    else if (!address.includes('/') && mask === undefined) problem('netmask', 'is missing, and the address has no prefix length')
    else if (!address.includes('/') && mask !== undefined && !fits(mask, address)) problem('netmask', 'does not fit the address')
    else if (gateway !== undefined && family(gateway) !== family(address))
      problem('gateway', 'is not of the same IP version as the address')
  }
  return {
    type: given.type,
    ...present({ address, netmask: mask, gateway }),
    dns_nameservers: given.dns_nameservers ?? [],
    dns_search: given.dns_search ?? [],
    routes: given.routes ?? [],
  }
})

const fits = (mask: string, address: string) =>
  isIP(mask) === 0 ? isNetmask(mask) && (family(address) === 6 || Number(mask) <= 32) : isIP(mask) === family(address)

const subnets = z.array(subnet).optional()

const physical = keyed(
  {
    type: z.literal('physical'),
    name: interfaceName,
    mac_address: macAddress.optional(),
    mtu: mtu.optional(),
    subnets,
  },
  ['accept-ra', 'params', 'keep_configuration', 'wakeonlan'],
).transform(
  ({ type, name, mac_address, mtu: bytes, subnets: list = [] }): NetworkV1Item => ({
    type,
    name,
    ...present({ mac_address, mtu: bytes }),
    subnets: list,
  }),
)

/** Of the loopback interface only the name servers: they are everybody's, as in cloud-init. Its own address it has anyway. */
const loopbackSubnet = keyed(
  {
    type: z.enum(['loopback', 'manual', 'static', 'static6']),
    dns_nameservers: addresses.optional(),
    dns_search: domains.optional(),
  },
  ['address', 'netmask', 'broadcast', 'control', 'gateway', 'metric', 'pointopoint', 'routes', 'scope'],
).transform(
  ({ type, dns_nameservers = [], dns_search = [] }): NetworkV1Subnet => ({
    type: type === 'loopback' ? 'manual' : type,
    dns_nameservers,
    dns_search,
    routes: [],
  }),
)

const loopback = keyed({ type: z.literal('loopback'), name: interfaceName.optional(), subnets: z.array(loopbackSubnet).optional() }, [
  'mtu',
]).transform(({ type, name = 'lo', subnets: list = [] }): NetworkV1Item => ({ type, name, subnets: list }))

const nameserver = keyed({
  type: z.literal('nameserver'),
  address: addresses.optional(),
  search: domains.optional(),
  interface: interfaceName.optional(),
}).transform(
  (given): NetworkV1Item => ({
    type: given.type,
    address: given.address ?? [],
    search: given.search ?? [],
    ...present({ interface: given.interface }),
  }),
)

const route = keyed({ type: z.literal('route'), id: z.unknown().optional(), ...routeShape }).transform(
  ({ type, id: _, ...given }, context): NetworkV1Item => ({ type, ...routeOf(given, context) }),
)

const supported = z.discriminatedUnion('type', [physical, loopback, nameserver, route])

/** Kinds of interface that cloud-init knows and we do not yet. `null` is an entry that was left out. */
const unsupportedTypes = ['bond', 'bridge', 'vlan', 'infiniband']
const unsupported = z.looseObject({ type: z.enum(unsupportedTypes as [string, ...string[]]) }).superRefine((_, context) => {
  const message = 'interfaces of this type are not supported yet'
  context.addIssue({ code: 'custom', message, params: { code: 'INPUT_KEY_UNSUPPORTED' } })
})

const item = z.union([supported, unsupported, z.null()])

/** `network: {version: 1}` (cloud-init, "Networking config Version 1"). */
export const networkV1 = keyed({ version: z.literal(1), config: z.union([z.literal('disabled'), z.array(item)]) }).transform(
  ({ version, config }) =>
    config === 'disabled'
      ? { version: 0 as const }
      : { version, config: config.filter((entry): entry is NetworkV1Item => entry !== null && isItem(entry)) },
)

const isItem = (entry: { readonly type: string }): entry is NetworkV1Item => !unsupportedTypes.includes(entry.type)
