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
  /** Lines of fstab(5), added unless the guest lists the device or the mount point already. */
  readonly mounts?: readonly MountRequest[]
  /** Not a key of cloud-init: the one account that a cloud platform hands out, chosen by what the guest has. */
  readonly login_account?: LoginAccountRequest
  /** Not a key of cloud-init: what `/etc/selinux/config` says, in guests that have it. */
  readonly selinux?: { readonly mode: 'enforcing' | 'permissive' | 'disabled' }
  /** Not a key of cloud-init: take the identity out of the guest, so that machines can be made of it. */
  readonly seal?: true
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
  /**
   * Not a key of cloud-init. True: authorized_keys holds {@link ssh_authorized_keys} and nothing else. Absent: they are added. Such an account is a
   * platform's own: it comes beside the default user, has no expiry and no ageing, and a home that it has lost is made again.
   */
  readonly ssh_authorized_keys_only?: boolean
}

/** An entry of cloud-init's `mounts`, a line of fstab(5). */
export interface MountRequest {
  /** `UUID=...`, `LABEL=...` or a path. */
  readonly device: string
  /** Absolute; null for swap. The directory is made when it is missing. */
  readonly mountpoint: string | null
  /** `auto` when not known. */
  readonly type: string
  /** Comma-separated, `defaults,nofail`. */
  readonly options: string
  readonly dump: number
  readonly pass: number
}

/** Which account, and what it gets. The report says which one it was. */
export interface LoginAccountRequest {
  /** Made when it is missing, with a home and the right to be root without a password. Absent: chosen as {@link prefer_root} says. */
  readonly name?: string
  /** True: root. False, or a guest that lets root not log in: the account with the shortest name that has a home below `/home`, else root. */
  readonly prefer_root: boolean
  /** Names that are not chosen: accounts of the platform itself. */
  readonly never: readonly string[]
  /** Absent: the password stays as it is. When given, the SSH server lets this account log in with it. */
  readonly password?: PasswordRequest
  readonly ssh_authorized_keys: readonly string[]
  /** Keys that go before the others are added: those with this comment, and those with one of these bodies (base64). */
  readonly remove_ssh_keys: { readonly comment?: string; readonly bodies: readonly string[] }
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
  /** Not a key of cloud-init: only the directories above are made. */
  readonly parents_only?: true
  /** Not a key of cloud-init: a file that is there keeps its owner and mode. */
  readonly keep_attributes?: true
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

/** What a whole disk becomes: a GPT with one partition that holds one file system. Everything on it is lost. */
export interface FormatRequest {
  readonly filesystem: 'ext2' | 'ext3' | 'ext4' | 'xfs' | 'f2fs' | 'swap'
  /** Of the file system. Absent: the tool makes one. */
  readonly uuid?: string
  readonly label?: string
  /** ext4 and f2fs: names that differ in case only are the same (`casefold`). */
  readonly case_insensitive?: boolean
  /** ext4: percent of the blocks kept for root, 0 to 50. */
  readonly reserved_blocks_percentage?: number
  /** f2fs: percent of the space kept for the file system itself. */
  readonly overprovision_ratio_percentage?: number
  /** ext4: from these sizes on there are fewer inodes (`mke2fs -T huge` and `-T largefile`). */
  readonly ext4_thresholds?: { readonly hugeBytes: number; readonly largefileBytes: number }
}
