import { isIP } from 'node:net'
import * as z from 'zod'
import type { NetworkV2Ethernet } from '../request.ts'
import { keyed } from './keyed.ts'
import {
  cidr,
  domain,
  flag,
  integer,
  interfaceName,
  ipAddress,
  ipAddressOrCidr,
  ipv4Address,
  ipv6Address,
  line,
  macAddress,
  mtu,
  present,
  text,
} from './scalars.ts'

const metric = integer(0, 4_294_967_295)

/** netplan's names take globs: `en*`. */
const namePattern = line.refine((value) => /^[^\s/:]{1,32}$/.test(value), 'is not an interface name or a pattern for one')

const match = keyed({
  macaddress: macAddress.optional(),
  name: namePattern.optional(),
  driver: namePattern.optional(),
})
  .transform((given) => present(given))
  .refine((given) => Object.keys(given).length > 0, 'needs macaddress, name or driver')

const family = (address: string) => isIP(address.split('/')[0] ?? '')

const route = keyed(
  {
    to: z.union([z.literal('default'), ipAddressOrCidr]),
    via: ipAddress.optional(),
    metric: metric.optional(),
    'on-link': flag.optional(),
    scope: z.enum(['global', 'link', 'host']).optional(),
  },
  ['from', 'type', 'table', 'mtu', 'congestion-window', 'advertised-receive-window', 'advertised-mss'],
).transform(({ scope, ...given }, context) => {
  const issue = (path: string, message: string, code = 'INPUT_INVALID') =>
    context.addIssue({ code: 'custom', path: [path], message, params: { code } })
  // The other scopes are what a route has by itself: link without a gateway, global with one.
  if (scope !== undefined && scope !== (given.via === undefined ? 'link' : 'global')) {
    if (given.via !== undefined || scope === 'host') issue('scope', 'a route of this scope cannot be made yet', 'INPUT_KEY_UNSUPPORTED')
    else issue('via', 'is missing')
  } else if (given.via === undefined && (scope === undefined || given.to === 'default')) issue('via', 'is missing')
  else if (given.via !== undefined && given.to !== 'default' && family(given.to) !== family(given.via)) {
    issue('via', 'is not of the same IP version as "to"')
  }
  return present(given)
})

const overrides = keyed({
  'use-dns': flag.optional(),
  'use-domains': z.union([flag, z.literal('route')]).optional(),
  'use-hostname': flag.optional(),
  'use-mtu': flag.optional(),
  'use-ntp': flag.optional(),
  'use-routes': flag.optional(),
  'send-hostname': flag.optional(),
  hostname: text.optional(),
  'route-metric': metric.optional(),
}).transform((given) => present(given))

const ethernet = keyed(
  {
    match: match.optional(),
    'set-name': interfaceName.optional(),
    dhcp4: flag.optional(),
    dhcp6: flag.optional(),
    'accept-ra': flag.optional(),
    addresses: z.array(cidr).optional(),
    gateway4: ipv4Address.optional(),
    gateway6: ipv6Address.optional(),
    mtu: mtu.optional(),
    macaddress: macAddress.optional(),
    wakeonlan: flag.optional(),
    optional: flag.optional(),
    nameservers: keyed({ addresses: z.array(ipAddress).optional(), search: z.array(domain).optional() }).optional(),
    routes: z.array(route).optional(),
    'dhcp4-overrides': overrides.optional(),
    'dhcp6-overrides': overrides.optional(),
  },
  [
    'activation-mode',
    'auth',
    'critical',
    'delay-virtual-functions-rebind',
    'dhcp-identifier',
    'embedded-switch-mode',
    'emit-lldp',
    'generic-receive-offload',
    'generic-segmentation-offload',
    'ignore-carrier',
    'infiniband-mode',
    'ipv6-address-generation',
    'ipv6-address-token',
    'ipv6-mtu',
    'ipv6-privacy',
    'large-receive-offload',
    'link',
    'link-local',
    'neigh-suppress',
    'networkmanager',
    'openvswitch',
    'optional-addresses',
    'receive-checksum-offload',
    'renderer',
    'routing-policy',
    'tcp-segmentation-offload',
    'tcp6-segmentation-offload',
    'transmit-checksum-offload',
    'virtual-function-count',
  ],
).transform((given, context): NetworkV2Ethernet => {
  if (given['set-name'] !== undefined && given.match === undefined) {
    context.addIssue({ code: 'custom', path: ['set-name'], message: 'needs a match that says which device to rename' })
  }
  const { nameservers, ...rest } = given
  return {
    ...present(rest),
    addresses: given.addresses ?? [],
    routes: given.routes ?? [],
    ...(nameservers && { nameservers: { addresses: nameservers.addresses ?? [], search: nameservers.search ?? [] } }),
  }
})

/** `network: {version: 2}` (netplan's format as cloud-init takes it, "Networking config Version 2"). */
export const networkV2 = keyed({ version: z.literal(2), ethernets: z.record(z.string(), ethernet).optional() }, [
  'bonds',
  'bridges',
  'dummy-devices',
  'modems',
  'nm-devices',
  'openvswitch',
  'renderer',
  'tunnels',
  'virtual-ethernets',
  'vlans',
  'vrfs',
  'wifis',
]).transform(({ version, ethernets = {} }, context) => {
  for (const [id, { match: by }] of Object.entries(ethernets)) {
    // With a match the id is only a handle; without one it is the device's name.
    if (by === undefined && !interfaceName.safeParse(id).success) {
      const message = 'is not a name for a network interface'
      context.addIssue({ code: 'custom', path: ['ethernets', id], message, params: { code: 'INPUT_NAME_INVALID' } })
    }
  }
  return { version, ethernets }
})
