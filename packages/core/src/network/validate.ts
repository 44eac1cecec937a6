import { InputError } from '@host-deployer/driver-api'
import { isDomainName } from '@host-deployer/formats'
import { addressBits, type Cidr, ipFamily, networkOf, parseCidr } from './ip.ts'
import type { IpFamily, NicAddress, NicRoute } from './model.ts'

/** An `INPUT_NETWORK_*` error that names the key it is about (`network.ethernets.eth0.addresses[1]`). */
export function networkInputError(code: `INPUT_NETWORK_${string}`, path: string, problem: string, hint: string): InputError {
  return new InputError(code, `${path}: ${problem}`, { hint, context: { path } })
}

/** `INPUT_NETWORK_MAC`. Lower case, colons. */
export function checkedMac(text: string, path: string): string {
  const mac = text.trim().toLowerCase().replaceAll('-', ':')
  if (/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac)) return mac
  throw networkInputError('INPUT_NETWORK_MAC', path, `not a MAC address: ${JSON.stringify(text)}`, 'Write it as 52:54:00:12:34:56.')
}

/** A name the kernel takes (`dev_valid_name`), further without characters that mean something to a network manager's files. */
export const isInterfaceName = (text: string): boolean => /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/.test(text)

/** `INPUT_NETWORK_NAME`. As {@link isInterfaceName} says. */
export function checkedInterfaceName(text: string, path: string): string {
  if (isInterfaceName(text)) return text
  const hint = 'Interface names have 1 to 15 letters, digits, dots, dashes and underscores.'
  throw networkInputError('INPUT_NETWORK_NAME', path, `not an interface name: ${JSON.stringify(text)}`, hint)
}

/** As {@link checkedInterfaceName}, with shell globs. */
export function checkedPattern(text: string, path: string): string {
  if (/^[A-Za-z0-9_.*?[\]!-]{1,64}$/.test(text)) return text
  throw networkInputError(
    'INPUT_NETWORK_NAME',
    path,
    `not a name or pattern: ${JSON.stringify(text)}`,
    'Use a name, or globs such as enp*s0.',
  )
}

/** `INPUT_NETWORK_MTU`. */
export function checkedMtu(mtu: number, path: string): number {
  if (Number.isInteger(mtu) && mtu >= 68 && mtu <= 65535) return mtu
  throw networkInputError(
    'INPUT_NETWORK_MTU',
    path,
    `not an MTU: ${mtu}`,
    'Give a whole number of bytes from 68 to 65535, 1500 for plain Ethernet.',
  )
}

/** `INPUT_NETWORK_ADDRESS`. An interface's address with its prefix length. */
export function checkedAddress(text: string, path: string, netmask?: string): NicAddress {
  const cidr = parseCidr(text, netmask)
  if (cidr !== undefined) return cidr
  const shown = JSON.stringify(netmask === undefined ? text : `${text} netmask ${netmask}`)
  const hint = 'Write it with its prefix length: 192.0.2.10/24, 2001:db8::10/64.'
  throw networkInputError('INPUT_NETWORK_ADDRESS', path, `not an address with a prefix length: ${shown}`, hint)
}

/** `INPUT_NETWORK_ADDRESS`. An address by itself, of the family if one is given. */
export function checkedHost(text: string, path: string, family?: IpFamily): string {
  const found = ipFamily(text.trim())
  if (found !== undefined && (family === undefined || family === found)) return text.trim().toLowerCase()
  const kind = family === undefined ? 'IP' : `IPv${family}`
  throw networkInputError(
    'INPUT_NETWORK_ADDRESS',
    path,
    `not an ${kind} address: ${JSON.stringify(text)}`,
    'Write the address alone, without a prefix length.',
  )
}

/** `INPUT_NETWORK_DNS`. */
export function checkedSearchDomain(text: string, path: string): string {
  const bare = text.replace(/\.$/, '')
  // `~example.org` routes queries for the domain without searching it (systemd-resolved).
  if (isDomainName(bare.replace(/^~/, '')) || bare === '~') return bare
  throw networkInputError('INPUT_NETWORK_DNS', path, `not a domain name: ${JSON.stringify(text)}`, 'Give domain names such as example.org.')
}

export interface RouteInput {
  readonly to: string
  readonly netmask?: string | undefined
  readonly via?: string | undefined
  readonly metric?: number | undefined
  readonly onLink?: boolean | undefined
}

/** `INPUT_NETWORK_ROUTE`. `default` takes its family from the gateway. */
export function checkedRoute({ to, netmask, via, metric, onLink }: RouteInput, path: string): NicRoute {
  const gateway = via === undefined ? undefined : checkedHost(via, path)
  const destination = routeDestination(to, netmask, gateway)
  const hint = 'Give a network such as 10.0.0.0/8 (or default) and a gateway of the same family.'
  if (destination === undefined) {
    throw networkInputError(
      'INPUT_NETWORK_ROUTE',
      path,
      `not a network: ${JSON.stringify(netmask === undefined ? to : `${to} netmask ${netmask}`)}`,
      hint,
    )
  }
  if (gateway !== undefined && ipFamily(gateway) !== destination.family) {
    throw networkInputError('INPUT_NETWORK_ROUTE', path, `network ${to} and gateway ${via} are of different families`, hint)
  }
  if (metric !== undefined && !(Number.isInteger(metric) && metric >= 0 && metric <= 0xffffffff)) {
    throw networkInputError('INPUT_NETWORK_ROUTE', path, `not a metric: ${metric}`, 'Give a whole number, smaller ones are preferred.')
  }
  return {
    family: destination.family,
    to: networkOf(destination),
    ...(gateway === undefined ? {} : { via: gateway }),
    ...(metric === undefined ? {} : { metric }),
    onLink: onLink ?? false,
  }
}

function routeDestination(to: string, netmask: string | undefined, via: string | undefined): Cidr | undefined {
  if (to === 'default') {
    const family = via === undefined ? 4 : ipFamily(via)
    return family === undefined ? undefined : { family, address: family === 4 ? '0.0.0.0' : '::', prefixLength: 0 }
  }
  return parseCidr(to, netmask, addressBits)
}
