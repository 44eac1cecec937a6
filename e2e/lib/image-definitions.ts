/** A real guest, made by mmdebstrap from Debian packages. */
export interface ImageDefinition {
  readonly suite: 'bookworm' | 'trixie'
  /** How the disk is laid out; see `build-image.ts`. */
  readonly layout: 'gpt-ext4' | 'gpt-boot-lvm-xfs'
  readonly sizeBytes: number
  readonly packages: readonly string[]
}

const GiB = 2 ** 30

const base = [
  ...['systemd-sysv', 'udev', 'dbus', 'openssh-server', 'sudo', 'locales', 'tzdata', 'iproute2', 'netbase', 'ca-certificates'],
  ...['linux-image-cloud-amd64', 'grub-pc', 'initramfs-tools', 'zstd', 'e2fsprogs'],
]

export const imageDefinitions = {
  /** ifupdown, no cloud-init: what a plain installation has. */
  'debian-12': { suite: 'bookworm', layout: 'gpt-ext4', sizeBytes: 3 * GiB, packages: [...base, 'ifupdown', 'isc-dhcp-client'] },
  /** As the public cloud images: cloud-init, netplan over systemd-networkd. */
  'debian-12-cloud': {
    suite: 'bookworm',
    layout: 'gpt-ext4',
    sizeBytes: 3 * GiB,
    packages: [...base, 'cloud-init', 'netplan.io', 'systemd-resolved', 'cloud-guest-utils'],
  },
  'debian-13': {
    suite: 'trixie',
    layout: 'gpt-boot-lvm-xfs',
    sizeBytes: 4 * GiB,
    packages: [...base, 'lvm2', 'xfsprogs', 'ifupdown', 'dhcpcd-base'],
  },
} as const satisfies Record<string, ImageDefinition>

export type ImageName = keyof typeof imageDefinitions
