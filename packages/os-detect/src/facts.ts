/** Evidence about the guest, frozen. What the image contains, not what its version suggests. */
export interface GuestFacts {
  /** `ID` of os-release(5), or what a legacy release file says; `unknown` when nothing does. */
  readonly id: string
  /** `ID_LIKE`, nearest first. */
  readonly idLike: readonly string[]
  readonly version: string
  readonly major: number | null
  readonly minor: number | null
  readonly codename: string | null
  readonly productName: string
  readonly arch: string | null
  readonly hostname: string | null
  readonly initSystem: 'systemd' | 'sysvinit' | 'openrc' | 'upstart' | 'busybox' | 'unknown'
  /** systemd's own version where it can be told without running anything (unit files, library names), else null. */
  readonly systemdVersion: number | null
  readonly packageFormat: 'deb' | 'rpm' | 'apk' | 'pacman' | 'portage' | 'unknown'
  readonly packageManager: string | null
  /** Network managers the image has, by evidence of their programs and directories, in no order. */
  readonly networkManagers: readonly NetworkManager[]
  /** `systemd-resolved` is installed and enabled, `resolvconf` is installed. */
  readonly resolver: { readonly systemdResolved: boolean; readonly resolvconf: boolean }
  readonly firmware: { readonly bios: boolean; readonly uefi: boolean }
  readonly bootLoaders: readonly ('grub' | 'systemd-boot' | 'extlinux')[]
  readonly selinux: 'enforcing' | 'permissive' | 'disabled' | 'absent'
  readonly cloudInit: {
    readonly installed: boolean
    /** `/etc/cloud/cloud-init.disabled` exists. */
    readonly disabled: boolean
    /** `datasource_list` as configured, null when it is not. */
    readonly datasources: readonly string[] | null
    /** `system_info.default_user.name`, null when there is none. */
    readonly defaultUser: string | null
  }
  readonly sshServer: 'openssh' | 'dropbear' | 'absent'
  /** Kernel versions with modules or an image in /boot, newest last. */
  readonly kernels: readonly string[]
}

export type NetworkManager =
  | 'netplan'
  | 'networkd'
  | 'network-manager'
  | 'ifupdown'
  | 'ifupdown2'
  | 'wicked'
  | 'network-scripts'
  | 'openrc'
  | 'dhcpcd'
