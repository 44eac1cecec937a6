import { createHash } from 'node:crypto'
import type { NetworkV2Ethernet } from '@host-deployer/api'
import type { DhcpOverrides, NetworkModel, Nic, NicMatch, NicRoute } from './model.ts'
import {
  checkedAddress,
  checkedHost,
  checkedInterfaceName,
  checkedMac,
  checkedMtu,
  checkedPattern,
  checkedRoute,
  checkedSearchDomain,
  isInterfaceName,
  networkInputError,
} from './validate.ts'

/**
 * The ethernets of network configuration version 2, which is netplan's. An entry without `match` is found by its own name; with one, its name is only a
 * handle and may be any text. `INPUT_NETWORK_*`.
 */
export function networkFromV2(ethernets: Readonly<Record<string, NetworkV2Ethernet>>): NetworkModel {
  return { nics: Object.entries(ethernets).map(([id, ethernet]) => nicOf(id, ethernet)) }
}

function nicOf(key: string, ethernet: NetworkV2Ethernet): Nic {
  const path = `network.ethernets.${key}`
  const id = ethernet.match === undefined ? checkedInterfaceName(key, path) : nameOfHandle(key)
  const setName = ethernet['set-name'] === undefined ? undefined : checkedInterfaceName(ethernet['set-name'], `${path}.set-name`)
  const match = matchOf(id, ethernet, path)
  if (setName !== undefined && ethernet.match === undefined) {
    throw networkInputError(
      'INPUT_NETWORK_NAME',
      `${path}.set-name`,
      'a new name needs a match',
      'Add match: {macaddress: …}, or drop set-name.',
    )
  }
  const {
    dhcp4 = false,
    dhcp6 = false,
    'accept-ra': acceptRa,
    optional = false,
    wakeonlan: wakeOnLan,
    nameservers,
    mtu,
    macaddress,
  } = ethernet
  const { dhcp4Overrides, dhcp6Overrides } = overrides(ethernet, path)
  return {
    id,
    match,
    ...(setName === undefined ? {} : { setName }),
    dhcp4,
    dhcp6,
    ...(acceptRa === undefined ? {} : { acceptRa }),
    addresses: ethernet.addresses.map((address, index) => checkedAddress(address, `${path}.addresses[${index}]`)),
    routes: routesOf(ethernet, path),
    dns: {
      addresses: unique(
        (nameservers?.addresses ?? []).map((address, index) => checkedHost(address, `${path}.nameservers.addresses[${index}]`)),
      ),
      search: unique(
        (nameservers?.search ?? []).map((domain, index) => checkedSearchDomain(domain, `${path}.nameservers.search[${index}]`)),
      ),
    },
    ...(mtu === undefined ? {} : { mtu: checkedMtu(mtu, `${path}.mtu`) }),
    ...(macaddress === undefined ? {} : { macAddress: checkedMac(macaddress, `${path}.macaddress`) }),
    ...(wakeOnLan === undefined ? {} : { wakeOnLan }),
    optional,
    dhcp4Overrides,
    dhcp6Overrides,
  }
}

/**
 * Names of stanzas and files, and where nothing else can tell the interface also its own, are made of it: where the handle is no interface name, the same
 * handle always gives the same one.
 */
function nameOfHandle(handle: string): string {
  if (isInterfaceName(handle)) return handle
  const readable = handle.replaceAll(/[^A-Za-z0-9]+/g, '-').replaceAll(/^-+/g, '')
  const digest = createHash('sha256').update(handle).digest('hex')
  return `${readable === '' ? 'nic' : readable.slice(0, 8).replace(/-$/, '')}-${digest.slice(0, 6)}`
}

function matchOf(id: string, { match }: NetworkV2Ethernet, path: string): NicMatch {
  const given = {
    ...(match?.macaddress === undefined ? {} : { mac: checkedMac(match.macaddress, `${path}.match.macaddress`) }),
    ...(match?.name === undefined ? {} : { name: checkedPattern(match.name, `${path}.match.name`) }),
    ...(match?.driver === undefined ? {} : { driver: checkedPattern(match.driver, `${path}.match.driver`) }),
  }
  return Object.keys(given).length === 0 ? { name: id } : given
}

function routesOf(ethernet: NetworkV2Ethernet, path: string): NicRoute[] {
  const gateway = (key: 'gateway4' | 'gateway6', family: 4 | 6) => {
    const via = ethernet[key]
    if (via === undefined) return []
    return [checkedRoute({ to: 'default', via: checkedHost(via, `${path}.${key}`, family) }, `${path}.${key}`)]
  }
  const routes = ethernet.routes.map((route, index) => checkedRoute({ ...route, onLink: route['on-link'] }, `${path}.routes[${index}]`))
  return [...gateway('gateway4', 4), ...gateway('gateway6', 6), ...routes]
}

const overrideTypes: Readonly<Record<string, 'boolean' | 'string' | 'number' | 'boolean|string'>> = {
  'use-dns': 'boolean',
  'use-ntp': 'boolean',
  'use-hostname': 'boolean',
  'use-mtu': 'boolean',
  'use-routes': 'boolean',
  'use-domains': 'boolean|string',
  'send-hostname': 'boolean',
  hostname: 'string',
  'route-metric': 'number',
}

/** Both sets. They must agree where both protocols are on: netplan refuses anything else. */
function overrides(ethernet: NetworkV2Ethernet, path: string) {
  const dhcp4Overrides = overridesOf(ethernet['dhcp4-overrides'], `${path}.dhcp4-overrides`)
  const dhcp6Overrides = overridesOf(ethernet['dhcp6-overrides'], `${path}.dhcp6-overrides`)
  const clash = Object.keys(dhcp4Overrides).find((key) => key in dhcp6Overrides && dhcp4Overrides[key] !== dhcp6Overrides[key])
  if (clash !== undefined && ethernet.dhcp4 === true && ethernet.dhcp6 === true) {
    const hint = 'Give the same value in dhcp4-overrides and dhcp6-overrides.'
    throw networkInputError('INPUT_NETWORK_UNSUPPORTED', `${path}.dhcp6-overrides.${clash}`, 'differs from dhcp4-overrides', hint)
  }
  return { dhcp4Overrides, dhcp6Overrides }
}

function overridesOf(given: Readonly<Record<string, unknown>> | undefined, path: string): DhcpOverrides {
  const overrides: Record<string, string | number | boolean> = {}
  for (const [key, value] of Object.entries(given ?? {})) {
    const type = overrideTypes[key]
    if (
      (typeof value !== 'boolean' && typeof value !== 'string' && typeof value !== 'number') ||
      !type?.split('|').includes(typeof value)
    ) {
      const hint = `Known here: ${Object.keys(overrideTypes).join(', ')}.`
      throw networkInputError('INPUT_NETWORK_UNSUPPORTED', `${path}.${key}`, 'not an override that is supported', hint)
    }
    if (typeof value === 'string' && !/^[A-Za-z0-9._-]{1,253}$/.test(value)) {
      throw networkInputError('INPUT_NETWORK_UNSUPPORTED', `${path}.${key}`, `not a name: ${JSON.stringify(value)}`, 'Give a plain name.')
    }
    overrides[key] = value
  }
  return overrides
}

const unique = (values: readonly string[]) => [...new Set(values)]
