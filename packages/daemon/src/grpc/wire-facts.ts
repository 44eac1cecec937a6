import type { Facts, OsInfo } from '@host-deployer/api'
import type { ImageInfo, ReleaseInfo } from '@host-deployer/api/grpc'

/** What clients call the distributions; they compare with these. By `ID` of os-release(5). */
const distroNames: Readonly<Record<string, string>> = {
  almalinux: 'AlmaLinux',
  anolis: 'Anolis',
  arch: 'ArchLinux',
  centos: 'CentOS',
  cirros: 'Cirros',
  ctyunos: 'CTyunOS',
  debian: 'Debian',
  fedora: 'Fedora',
  gentoo: 'Gentoo',
  kylin: 'Kylin',
  neokylin: 'NeoKylin',
  nfs: 'Nfs',
  opencloudos: 'OpenCloudOS',
  openeuler: 'OpenEuler',
  openkylin: 'OpenKylin',
  'opensuse-leap': 'OpenSUSE',
  'opensuse-tumbleweed': 'OpenSUSE',
  opensuse: 'OpenSUSE',
  openwrt: 'OpenWrt',
  rhel: 'RHEL',
  rocky: 'Rocky',
  sles: 'OpenSUSE',
  tencentos: 'TencentOS',
  ubuntu: 'Ubuntu',
  ubuntukylin: 'UbuntuKylin',
  uos: 'UOS/Server',
}

/** 32 bits have names of their own. */
const archNames: Readonly<Record<string, string>> = { armv6l: 'aarch32', armv7l: 'aarch32', i386: 'x86_32', i586: 'x86_32', i686: 'x86_32' }

/** A distribution that the field does not know goes by its `ID`, capitalised. Language and `current_version` are Windows' own. */
export function releaseOf(os: OsInfo): ReleaseInfo {
  return {
    distro: distroNames[os.distro] ?? os.distro.replace(/^[a-z]/, (first) => first.toUpperCase()),
    version: versionOf(os),
    arch: archNames[os.arch ?? ''] ?? os.arch ?? '',
    language: '',
    current_version: '',
  }
}

/** Debian's point release, which os-release leaves out: what /etc/debian_version has. */
function versionOf({ distro, version, major, minor }: OsInfo): string {
  return distro === 'debian' && major !== null && minor !== null ? `${major}.${minor}` : version
}

/** The field's names for kinds of systems. */
export const osTypeOf = ({ type }: OsInfo): string => (type === 'linux' ? 'Linux' : '')

/** What is known of a file system that nobody can write. */
const readOnlyCode = 'BLOCK_FILESYSTEM_READ_ONLY'

export function imageInfoOf({ os, storage, firmware, cloudInit }: Facts, findings: readonly { readonly code: string }[]): ImageInfo {
  return {
    os_info: releaseOf(os),
    os_type: osTypeOf(os),
    is_uefi_support: firmware.uefi,
    is_bios_support: firmware.bios,
    is_lvm_partition: storage.lvm,
    is_readonly: findings.some(({ code }) => code === readOnlyCode),
    physical_partition_type: storage.partitionTable ?? '',
    is_installed_cloud_init: cloudInit.installed,
  }
}

/** Of a disk without an operating system. */
export const noImageInfo: ImageInfo = {
  os_info: null,
  os_type: '',
  is_uefi_support: false,
  is_bios_support: false,
  is_lvm_partition: false,
  is_readonly: false,
  physical_partition_type: '',
  is_installed_cloud_init: false,
}
