import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net'
import type { NetworkV2Ethernet } from '@host-deployer/api'
import type { Nic } from '@host-deployer/api/grpc'
import type { DaemonConfig } from '../config/daemon-config.ts'
import { networkError } from './wire-findings.ts'

export type NicRoute = NetworkV2Ethernet['routes'][number]

/** Who has the default routes. */
export interface MainNics {
  readonly v4: Nic | undefined
  readonly v6: Nic | undefined
}

export interface GuestNics {
  readonly nics: readonly Nic[]
  readonly main: MainNics
  readonly settings: NetworkSettings
}

/** What the operator says about the network that guests are in. */
export type NetworkSettings = Pick<DaemonConfig, 'privateNetworks' | 'metadataIpv4Addresses' | 'metadataIpv6Addresses'>

/** What the field calls private: RFC 1918, RFC 6598, RFC 6890, RFC 2544. */
const privateNetworks = ['10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.0.0.0/24', '198.18.0.0/15', '192.168.0.0/16']
/** Further ones that lead to nobody outside. */
const localNetworks = ['127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4']

/**
 * The routes of an interface with static addresses beside the default ones, each destination once: those given; else, for the inner one of two
 * interfaces of which the main one has a public address, the private networks; and the metadata service for the main one. `INPUT_NETWORK_ROUTE`.
 */
export function routesOfNic(nic: Nic, guest: GuestNics, path: string): NicRoute[] {
  const metadata = metadataOf(guest.settings)
  const given = givenRoutes(nic, [...metadata.v4, ...metadata.v6], `${path}.routes`)
  const routes = [
    ...(given.length > 0 ? given : innerRoutes(nic, guest)),
    ...(nic === guest.main.v4 ? metadata.v4 : []).map((to) => ({ to })),
    ...(nic === guest.main.v6 ? metadata.v6 : []).map((to) => ({ to })),
  ]
  return routes.filter((route, index) => routes.findIndex(({ to }) => to === route.to) === index)
}

/** As networks: the service is on the link of the main interface. */
const metadataOf = ({ metadataIpv4Addresses, metadataIpv6Addresses }: NetworkSettings) => ({
  v4: metadataIpv4Addresses.map((address) => `${address}/32`),
  v6: metadataIpv6Addresses.map((address) => `${address}/128`),
})

/** Without default routes and the metadata service, which are decided by the main interface, and without routes by way of itself. */
function givenRoutes(nic: Nic, metadata: readonly string[], path: string): NicRoute[] {
  if (nic.routes.trim() === '') return []
  return readRoutes(nic.routes, path)
    .filter(({ to, via }) => !/\/0$/.test(to) && !metadata.includes(to) && via !== nic.ip && via !== nic.ip6)
    .map(({ to, via }) => (via === '0.0.0.0' || via === '::' ? { to } : { to, via }))
    .filter(({ to }) => (isIPv6(to.split('/')[0] ?? '') ? nic.ip6 : nic.ip) !== '')
}

interface GivenRoute {
  readonly to: string
  readonly via: string
}

function readRoutes(text: string, path: string): GivenRoute[] {
  const list = parse(text, path)
  if (!Array.isArray(list)) throw networkError('INPUT_NETWORK_ROUTE', path, 'is not a JSON list of [network, gateway]')
  return list.map((entry: unknown, index) => {
    const [network, via]: readonly unknown[] = Array.isArray(entry) ? entry : []
    const where = `${path}[${index}]`
    if (typeof network !== 'string' || typeof via !== 'string') {
      throw networkError('INPUT_NETWORK_ROUTE', where, 'is not [network, gateway]')
    }
    const [address = '', prefix] = network.trim().split('/')
    const family = isIP(address)
    const bits = family === 4 ? 32 : 128
    const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN
    if (family === 0 || address.includes('%') || !(length <= bits)) throw networkError('INPUT_NETWORK_ROUTE', where, 'has no network')
    if (isIP(via.trim()) !== family || via.includes('%')) throw networkError('INPUT_NETWORK_ROUTE', where, 'has no gateway of that family')
    return { to: `${address}/${length}`, via: via.trim() }
  })
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw networkError('INPUT_NETWORK_ROUTE', path, 'is not JSON')
  }
}

function innerRoutes(nic: Nic, { nics, main: { v4: main }, settings }: GuestNics): NicRoute[] {
  const isInner = main !== undefined && nic !== main && nics.length === 2 && isIPv4(nic.ip) && isIPv4(nic.gateway)
  const inside = [...privateNetworks, ...settings.privateNetworks]
  const isPublic = (address: string) => isIPv4(address) && ![...inside, ...localNetworks].some((network) => isWithin(address, network))
  if (!isInner || isPublic(nic.ip) || !isPublic(main.ip)) return []
  return inside.map((to) => ({ to, via: nic.gateway }))
}

/** An address and a network in CIDR notation; of different families they have nothing to do with each other. */
export function isWithin(address: string, network: string): boolean {
  const [base = '', length = ''] = network.split('/')
  if (isIP(address) === 0 || isIP(address) !== isIP(base)) return false
  const family = isIPv4(base) ? 'ipv4' : 'ipv6'
  const list = new BlockList()
  list.addSubnet(base, Number(length), family)
  return list.check(address, family)
}
