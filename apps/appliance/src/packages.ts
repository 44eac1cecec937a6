/** The release the appliance is made of. Its kernel is 6.12, the first Debian kernel whose cloud flavour has vmgenid. */
export const release = 'trixie'

/** What the appliance is asked to contain; apt finds the rest. The kernel depends on the architecture. */
export const requestedPackages: readonly string[] = [
  // the base: shell, C library, the tools whose GNU behaviour callers rely on
  ...['busybox', 'libc6', 'coreutils', 'findutils', 'tar', 'attr', 'acl', 'diffutils', 'gzip'],
  // partitions and block devices
  ...['util-linux', 'mount', 'fdisk', 'parted', 'gdisk', 'lvm2', 'dmsetup', 'mdadm', 'cryptsetup-bin'],
  // file systems
  ...['e2fsprogs', 'xfsprogs', 'btrfs-progs', 'dosfstools', 'ntfs-3g', 'f2fs-tools', 'zerofree'],
  // the way in; a shell that starts in a third of the time, without a dynamic linker
  ...['dropbear-bin', 'openssh-sftp-server', 'socat', 'klibc-utils'],
]

/** The metapackage of the kernel by Debian architecture. */
export const kernelPackages: Readonly<Record<string, string>> = { amd64: 'linux-image-cloud-amd64' }

/**
 * Packages of the closure that only matter to a running Debian system: maintainer scripts, boot tools, bindings.
 * Leaving out one that a program is linked with fails the build by name, so this list can only be too long for a moment.
 */
export const unneededPackages: readonly RegExp[] = [
  /^(lib)?python3/,
  /^(systemd|udev|libsystemd-shared|dbus.*|init-system-helpers|netbase|media-types|tzdata)$/,
  /^(initramfs-tools.*|dracut-install|linux-base|cpio|kmod|dmidecode)$/,
  /^(dpkg|debconf|cdebconf|adduser|passwd|login\.defs|base-passwd|libdebconfclient0|libpam-.*|libaudit-common|libsemanage.*)$/,
  /^(libicu\d+|libglib2\.0-.*|openssl-provider-legacy|libfido2-1|dmeventd|readline-common)$/,
]
