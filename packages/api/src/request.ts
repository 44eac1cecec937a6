import type { Secret } from './secret.ts'

/**
 * The request of a deploy after parsing: cloud-config with every key in one shape. Key names, defaults and meaning are cloud-init's
 * (module reference of cloud-init 24.x); absent keys mean "leave alone".
 */
export interface DeployRequest {
  readonly hostname?: string
  readonly fqdn?: string
  readonly prefer_fqdn_over_hostname?: boolean
  /** `localhost`: only the 127.0.1.1 line is managed; `true`: as `localhost` here, since templates belong to the running cloud-init. */
  readonly manage_etc_hosts?: boolean | 'localhost'
  /** In order. Absent: cloud-init's default list, the distribution's default user, which is made only when a key or password is for it. */
  readonly users?: readonly (UserRequest | DefaultUser)[]
  readonly groups?: readonly GroupRequest[]
  readonly chpasswd?: ChpasswdRequest
  /** Password of the distribution's default user. */
  readonly password?: PasswordRequest
  /** Keys of the distribution's default user (and of root, when `disable_root` is false). */
  readonly ssh_authorized_keys?: readonly string[]
  readonly ssh_pwauth?: boolean
  readonly disable_root?: boolean
  readonly disable_root_opts?: string
  readonly write_files?: readonly WriteFileRequest[]
  readonly timezone?: string
  /** A locale name, `en_US.UTF-8`; `false` leaves the locale alone. */
  readonly locale?: string | false
  readonly locale_configfile?: string
  readonly growpart?: GrowpartRequest
  readonly resize_rootfs?: boolean
  /** network-config of the seed, or the `network` key. */
  readonly network?: NetworkConfig
  readonly runcmd?: readonly Command[]
  readonly bootcmd?: readonly Command[]
  /** meta-data of the seed. */
  readonly meta?: MetaData
  /** The seed's files as they came, for `cloud_init: delegate`. */
  readonly seed: SeedFiles
  /** What to do about the cloud-init inside the image. */
  readonly cloud_init: CloudInitMode
}

export type CloudInitMode = 'keep' | 'disable' | 'delegate'

/** The entry `default` in `users`: the distribution's own default user. */
export interface DefaultUser {
  readonly default: true
}

/** A password in one of the ways a request can give it. */
export type PasswordRequest =
  | { readonly type: 'plain'; readonly value: Secret }
  /** crypt(5) string. */
  | { readonly type: 'hash'; readonly value: Secret }
  /** Made by us and returned once in the report. */
  | { readonly type: 'random' }

export interface UserRequest {
  readonly name: string
  readonly gecos?: string
  readonly homedir?: string
  readonly primary_group?: string
  readonly groups: readonly string[]
  /** Default true: missing groups are made. */
  readonly create_groups: boolean
  readonly no_user_group: boolean
  readonly no_create_home: boolean
  readonly system: boolean
  readonly shell?: string
  readonly uid?: number
  /** `YYYY-MM-DD`. */
  readonly expiredate?: string
  /** Days after expiry until the account is disabled. */
  readonly inactive?: number
  /** `passwd` (a hash, set only when the user is made), `hashed_passwd` and `plain_text_passwd` (set always). */
  readonly password?: PasswordRequest & { readonly only_new: boolean }
  /** Default true: no password login. */
  readonly lock_passwd: boolean
  /** sudoers rules, `ALL=(ALL) NOPASSWD:ALL`; empty: none. `false` in cloud-config is an empty list. */
  readonly sudo: readonly string[]
  readonly ssh_authorized_keys: readonly string[]
  readonly ssh_redirect_user: boolean
}

export interface GroupRequest {
  readonly name: string
  readonly members: readonly string[]
}

export interface ChpasswdRequest {
  /** Default true: the user must change the password at the first login. */
  readonly expire: boolean
  readonly users: readonly { readonly name: string; readonly password: PasswordRequest }[]
}

export interface WriteFileRequest {
  /** Absolute, no `..`, no NUL. */
  readonly path: string
  /** Decoded: base64 and gzip are undone while parsing. */
  readonly content: Uint8Array
  /** `user` or `user:group`, names or numbers. Default `root:root`. */
  readonly owner: string
  /** Default 0o644. */
  readonly permissions: number
  readonly append: boolean
  /** Written after users exist. */
  readonly defer: boolean
}

export interface GrowpartRequest {
  readonly mode: 'auto' | 'off'
  /** `/` or device paths as in cloud-init. */
  readonly devices: readonly string[]
  readonly ignore_growroot_disabled: boolean
}

/** A shell line, or an argument vector. */
export type Command = string | readonly [string, ...string[]]

export interface MetaData {
  readonly 'instance-id'?: string
  readonly 'local-hostname'?: string
  readonly 'public-keys'?: readonly string[]
}

/** Text of each file. Secret as a whole: passwords are anywhere in it. */
export interface SeedFiles {
  readonly userData?: Secret
  readonly metaData?: Secret
  readonly networkConfig?: Secret
}

/** Network configuration version 1 or 2 after validation of its shape; `core` turns both into one model. */
export type NetworkConfig =
  | { readonly version: 1; readonly config: readonly NetworkV1Item[] }
  | {
      readonly version: 2
      readonly ethernets: Readonly<Record<string, NetworkV2Ethernet>>
      readonly bonds?: unknown
      readonly vlans?: unknown
      readonly bridges?: unknown
    }
  /** `network: {config: disabled}`. */
  | { readonly version: 0 }

export type NetworkV1Item =
  | {
      readonly type: 'physical'
      readonly name: string
      readonly mac_address?: string
      readonly mtu?: number
      readonly subnets: readonly NetworkV1Subnet[]
    }
  | { readonly type: 'loopback'; readonly name: string; readonly subnets: readonly NetworkV1Subnet[] }
  | { readonly type: 'nameserver'; readonly address: readonly string[]; readonly search: readonly string[]; readonly interface?: string }
  | { readonly type: 'route'; readonly destination: string; readonly netmask?: string; readonly gateway: string; readonly metric?: number }

export interface NetworkV1Subnet {
  readonly type:
    | 'dhcp'
    | 'dhcp4'
    | 'dhcp6'
    | 'static'
    | 'static6'
    | 'manual'
    | 'ipv6_slaac'
    | 'ipv6_dhcpv6-stateful'
    | 'ipv6_dhcpv6-stateless'
  readonly address?: string
  readonly netmask?: string
  readonly gateway?: string
  readonly dns_nameservers: readonly string[]
  readonly dns_search: readonly string[]
  readonly routes: readonly {
    readonly destination: string
    readonly netmask?: string
    readonly gateway: string
    readonly metric?: number
  }[]
}

export interface NetworkV2Ethernet {
  readonly match?: { readonly macaddress?: string; readonly name?: string; readonly driver?: string }
  readonly 'set-name'?: string
  readonly dhcp4?: boolean
  readonly dhcp6?: boolean
  readonly 'accept-ra'?: boolean
  readonly addresses: readonly string[]
  readonly gateway4?: string
  readonly gateway6?: string
  readonly mtu?: number
  readonly macaddress?: string
  readonly wakeonlan?: boolean
  readonly optional?: boolean
  readonly nameservers?: { readonly addresses: readonly string[]; readonly search: readonly string[] }
  readonly routes: readonly { readonly to: string; readonly via?: string; readonly metric?: number; readonly 'on-link'?: boolean }[]
  readonly 'dhcp4-overrides'?: Readonly<Record<string, unknown>>
  readonly 'dhcp6-overrides'?: Readonly<Record<string, unknown>>
}
