/** The network of a guest, independent of the manager that will run it. Built and validated once, by `from-request.ts`. */
export interface NetworkModel {
  /** In the order of the request. The loopback interface is not among them. */
  readonly nics: readonly Nic[]
}

/** How the guest recognises the interface; every criterion given must fit. */
export interface NicMatch {
  /** Lower case, colons. */
  readonly mac?: string
  /** The kernel's name, shell globs allowed. */
  readonly name?: string
  /** The kernel driver, shell globs allowed. */
  readonly driver?: string
}

export interface Nic {
  /** Unique in the model: the request's name for it, or one made of that. A valid interface name. */
  readonly id: string
  readonly match: NicMatch
  /** The name it is to have in the guest; `undefined` keeps the kernel's. */
  readonly setName?: string
  readonly dhcp4: boolean
  readonly dhcp6: boolean
  /** Accept router advertisements; `undefined` leaves the manager's default. */
  readonly acceptRa?: boolean
  readonly addresses: readonly NicAddress[]
  /** Default routes are routes to `0.0.0.0/0` and `::/0`. */
  readonly routes: readonly NicRoute[]
  /** Of this interface; a request's global servers are with every interface. */
  readonly dns: NicDns
  readonly mtu?: number
  /** The address to give the interface, not the one to find it by. */
  readonly macAddress?: string
  readonly wakeOnLan?: boolean
  /** The boot need not wait for it. */
  readonly optional: boolean
  readonly dhcp4Overrides: DhcpOverrides
  readonly dhcp6Overrides: DhcpOverrides
}

export type IpFamily = 4 | 6

export interface NicAddress {
  readonly family: IpFamily
  readonly address: string
  readonly prefixLength: number
}

export interface NicRoute {
  readonly family: IpFamily
  /** A network in CIDR notation, host bits zero. */
  readonly to: string
  /** `undefined`: the network is on the link itself. */
  readonly via?: string
  readonly metric?: number
  /** The gateway is reached without a route to it. */
  readonly onLink: boolean
}

export interface NicDns {
  readonly addresses: readonly string[]
  readonly search: readonly string[]
}

/** netplan's names: `use-dns`, `use-routes`, `route-metric`, `send-hostname`, `hostname`, `use-mtu`, `use-ntp`, `use-domains`. */
export type DhcpOverrides = Readonly<Record<string, string | number | boolean>>

export const isDefaultRoute = ({ to }: NicRoute): boolean => to === '0.0.0.0/0' || to === '::/0'

/** The name the configuration calls the interface by: the one it gets, else a name without globs to match, else `undefined`. */
export function plainName({ setName, match }: Nic): string | undefined {
  if (setName !== undefined) return setName
  return match.name !== undefined && !/[*?[\]]/.test(match.name) ? match.name : undefined
}
