import { OperationError } from '@host-deployer/driver-api'
import { generatedHeader } from '@host-deployer/formats'
import { guestPath } from '@host-deployer/guest-fs'
import type { NetworkBackend, NetworkFile, RenderContext } from '../backend.ts'
import { interfaceNameFiles } from '../interface-names.ts'
import { isDefaultRoute, type NetworkModel, type Nic, type NicAddress, type NicRoute, plainName } from '../model.ts'
import { matchingPaths } from '../owned-files.ts'

const interfaces = guestPath('/etc/network/interfaces')
const enabledLinks = [
  '/etc/systemd/system/multi-user.target.wants/networking.service',
  '/etc/systemd/system/network-online.target.wants/networking.service',
  '/etc/rcS.d/S*networking',
  '/etc/rc2.d/S*networking',
]

/**
 * interfaces(5) of Debian's ifupdown. The whole of `/etc/network/interfaces` is ours; `interfaces.d` is emptied, and still read for what comes later.
 *
 * An interface matched by MAC address is brought up by that (`auto mac/…=name`), whatever its name turns out to be; the name is then the one of the
 * stanzas. Since such patterns name no interface, ifupdown does not wait for udev by itself: a drop-in makes networking.service do so.
 */
export const ifupdown: NetworkBackend = {
  id: 'ifupdown',
  owns: ['/etc/network/interfaces', '/etc/network/interfaces.d/*', '/etc/systemd/system/networking.service.d/*-host-deployer.conf'],
  detect: async (facts, fs) => {
    if (!facts.networkManagers.includes('ifupdown')) return 'absent'
    return (await matchingPaths(fs, enabledLinks)).length > 0 ? 'enabled' : 'installed'
  },
  isIdle: async (fs) => {
    const text = (await fs.readTextIfExists(interfaces)) ?? ''
    return (
      !/^\s*(iface\s+(?!lo\s)|mapping\s|rename\s)/m.test(text) && (await matchingPaths(fs, ['/etc/network/interfaces.d/*'])).length === 0
    )
  },
  render: (model, context) => {
    const text = [
      generatedHeader('#'),
      '\nsource /etc/network/interfaces.d/*\n',
      '\nauto lo\niface lo inet loopback\n',
      ...model.nics.map((nic) => stanzas(nic, context)),
    ].join('')
    const byMac = hasPatterns(context) && model.nics.some(({ match }) => match.mac !== undefined)
    const files: NetworkFile[] = [{ path: interfaces, content: text, mode: 0o644 }]
    if (byMac && context.facts.initSystem === 'systemd') files.push(settleDropIn)
    return {
      files: [...files, ...interfaceNameFiles(namedModel(model, context), context.facts)],
      units: model.nics.length === 0 ? [] : ['networking.service'],
      ignored: model.nics.flatMap((nic) => [...ignoredMatch(nic), ...ignoredKeys(nic)]),
    }
  },
}

/** Patterns in `auto` came with ifupdown 0.8.20 or so, which no release with an older systemd than this has. */
const hasPatterns = ({ facts }: RenderContext) => facts.systemdVersion !== null && facts.systemdVersion >= 240

const settleDropIn: NetworkFile = {
  path: guestPath('/etc/systemd/system/networking.service.d/10-host-deployer.conf'),
  content: `${generatedHeader('#')}\n[Unit]\nWants=systemd-udev-settle.service\nAfter=systemd-udev-settle.service\n`,
  mode: 0o644,
}

interface Selector {
  /** What `auto` takes. */
  readonly auto: string
  readonly pattern: boolean
  /** The name of the stanzas. */
  readonly name: string
}

function selectorOf(nic: Nic, context: RenderContext): Selector {
  const plain = plainName(nic)
  const name = plain ?? nic.id
  if (hasPatterns(context) && nic.match.mac !== undefined) return { auto: `mac/${nic.match.mac}=${name}`, pattern: true, name }
  if (plain === undefined && nic.match.name !== undefined) {
    if (hasPatterns(context)) return { auto: `/${nic.match.name}=${name}`, pattern: true, name }
    throw new OperationError('OPERATION_NETWORK_UNSUPPORTED', `The image's ifupdown is too old to match ${nic.match.name}`, {
      hint: 'Match the interface by MAC address or by its exact name.',
      context: { path: `network.${nic.id}.match.name` },
    })
  }
  return { auto: name, pattern: false, name }
}

/** Where nothing but a new name can tell the interface, it gets one: its id. */
const namedModel = (model: NetworkModel, context: RenderContext): NetworkModel => ({
  nics: model.nics.map((nic) => {
    const found = plainName(nic) !== undefined || nic.match.name !== undefined || (hasPatterns(context) && nic.match.mac !== undefined)
    return found ? nic : { ...nic, setName: nic.id }
  }),
})

function stanzas(nic: Nic, context: RenderContext): string {
  const { auto, pattern, name } = selectorOf(nic, context)
  // Hotplug asks for an interface by its name, which no pattern answers. A pattern that fits nothing does not fail.
  const allow = nic.optional && !pattern ? 'allow-hotplug' : 'auto'
  const blocks = methods(nic).map(({ family, method, options }, index) => {
    const lines = [...options, ...(index === 0 ? deviceLines(nic) : [])]
    return `iface ${name} ${family === 4 ? 'inet' : 'inet6'} ${method}\n${lines.map((line) => `    ${line}\n`).join('')}`
  })
  return `\n${allow} ${auto}\n${blocks.join('')}`
}

interface Method {
  readonly family: 4 | 6
  readonly method: string
  readonly options: readonly string[]
}

/** One stanza each for DHCP and for every address; the routes of a family stand in its last one. */
function methods(nic: Nic): readonly Method[] {
  const all = [...methods4(nic), ...methods6(nic)]
  const found: readonly Method[] = all.length > 0 ? all : [{ family: 4, method: 'manual', options: [] }]
  const gateways = ([4, 6] as const).map((family) => gatewayLine(nic, family, found)).filter((gateway) => gateway !== undefined)
  const withGateways = found.map((method, index) => ({
    ...method,
    options: [...method.options, ...gateways.filter(({ at }) => at === index).flatMap(({ lines }) => lines)],
  }))
  const taken = gateways.map(({ route }) => route)
  return nic.routes.filter((route) => !taken.includes(route)).reduce<readonly Method[]>(addRoute, withGateways)
}

function methods4({ dhcp4, dhcp4Overrides, addresses }: Nic): Method[] {
  const { 'route-metric': metric, hostname } = dhcp4Overrides
  const dhcpOptions = [metric === undefined ? undefined : `metric ${metric}`, hostname === undefined ? undefined : `hostname ${hostname}`]
  const dhcp: Method[] = dhcp4 ? [{ family: 4, method: 'dhcp', options: dhcpOptions.filter((line) => line !== undefined) }] : []
  return [...dhcp, ...addresses.filter(({ family }) => family === 4).map((address) => staticMethod(address, []))]
}

function methods6({ dhcp6, acceptRa, addresses }: Nic): Method[] {
  const own = addresses.filter(({ family }) => family === 6)
  const ra = acceptRa === undefined ? [] : [`accept_ra ${acceptRa ? 1 : 0}`]
  const statics = own.map((address, index) =>
    staticMethod(address, index === 0 && !dhcp6 ? [...ra, ...(acceptRa === true ? ['autoconf 1'] : [])] : []),
  )
  if (dhcp6) return [{ family: 6, method: 'dhcp', options: ra }, ...statics]
  if (statics.length > 0 || acceptRa === undefined) return statics
  return [{ family: 6, method: acceptRa ? 'auto' : 'manual', options: acceptRa ? [] : ra }]
}

const staticMethod = ({ family, address, prefixLength }: NicAddress, further: readonly string[]): Method => ({
  family,
  method: 'static',
  options: [`address ${address}/${prefixLength}`, ...further],
})

/** The first default route of a family is the `gateway` of its first static stanza; ifupdown adds it as on-link. */
function gatewayLine({ routes }: Nic, family: 4 | 6, all: readonly Method[]) {
  const at = all.findIndex((method) => method.family === family && method.method === 'static')
  const route = routes.find((candidate) => candidate.family === family && isDefaultRoute(candidate) && candidate.via !== undefined)
  if (at === -1 || route === undefined) return undefined
  return { at, route, lines: [`gateway ${route.via}`, ...(route.metric === undefined ? [] : [`metric ${route.metric}`])] }
}

function addRoute(all: readonly Method[], { family, to, via, metric, onLink }: NicRoute): readonly Method[] {
  const same = all.findLastIndex((method) => method.family === family)
  const at = same === -1 ? all.length - 1 : same
  const words = [
    `ip -${family} route replace ${to}`,
    via === undefined ? '' : `via ${via}`,
    'dev "$IFACE"',
    metric === undefined ? '' : `metric ${metric}`,
  ]
  const command = [...words, onLink && via !== undefined ? 'onlink' : ''].filter((word) => word !== '').join(' ')
  // A route that cannot be set must not take the whole interface down with it.
  return all.map((method, index) => (index === at ? { ...method, options: [...method.options, `post-up ${command} || true`] } : method))
}

/** Of the device, once: any method's stanza may hold them. */
const deviceLines = ({ mtu, macAddress, dns }: Nic): string[] => [
  ...(macAddress === undefined ? [] : [`pre-up ip link set dev "$IFACE" address ${macAddress}`]),
  ...(mtu === undefined ? [] : [`pre-up ip link set dev "$IFACE" mtu ${mtu}`]),
  ...(dns.addresses.length === 0 ? [] : [`dns-nameservers ${dns.addresses.join(' ')}`]),
  ...(dns.search.length === 0 ? [] : [`dns-search ${dns.search.join(' ')}`]),
]

/** ifupdown knows interfaces by address or name; the driver counts where a new name is given, which udev does. */
const ignoredMatch = ({ id, match, setName }: Nic): string[] =>
  match.driver !== undefined && match.name !== undefined && match.mac === undefined && setName === undefined ? [`${id}.match.driver`] : []

const knownOverrides = ['route-metric', 'hostname']

function ignoredKeys(nic: Nic): string[] {
  const dhcp4 = Object.keys(nic.dhcp4 ? nic.dhcp4Overrides : {}).filter((key) => !knownOverrides.includes(key))
  const dhcp6 = Object.keys(nic.dhcp6 ? nic.dhcp6Overrides : {})
  const wake = nic.wakeOnLan === true && nic.setName === undefined ? ['wakeonlan'] : []
  return [...dhcp4.map((key) => `dhcp4-overrides.${key}`), ...dhcp6.map((key) => `dhcp6-overrides.${key}`), ...wake].map(
    (key) => `${nic.id}.${key}`,
  )
}
