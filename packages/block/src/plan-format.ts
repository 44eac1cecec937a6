import type { NewFilesystem } from './new-filesystem.ts'

export interface DiskToFormat {
  readonly sizeBytes: number
  readonly sectorSizeBytes: number
  /** Nothing was found on it. */
  readonly blank: boolean
}

export interface FormatPlan {
  /** For sfdisk(8): one partition over the whole disk, from and to whole mebibytes. */
  readonly script: string
  readonly partitionBytes: number
  /** Makes the file system; the partition's node comes last. */
  readonly makeArgv: readonly [string, ...string[]]
}

const mebibyte = 2 ** 20
// The last 33 sectors of a GPT disk hold the backup of the table (UEFI 5.3.1).
const gptTailSectors = 33

// Discoverable Partitions Specification: "Generic Linux Data Partition", "Swap".
const linuxData = '0FC63DAF-8483-4772-8E79-3D69D8477DE4'
const swap = '0657FD6D-A4AB-43C4-84E5-0933C84B4F4F'

/**
 * The smallest partition each tool makes something usable of, in bytes: mkfs.xfs(8) wants 300 MiB since 5.19, mkfs.f2fs gives up below 52 MiB, a journal
 * needs 1024 blocks (mke2fs(8)), swap ten pages (mkswap(8)).
 */
export const smallestBytes: Readonly<Record<NewFilesystem['type'], number>> = {
  ext2: mebibyte,
  ext3: 4 * mebibyte,
  ext4: 4 * mebibyte,
  xfs: 300 * mebibyte,
  f2fs: 52 * mebibyte,
  swap: mebibyte,
}

/** The program that makes file systems of a type, and how it says its version: a look whether it is there. */
export const makerOf = (type: NewFilesystem['type']): readonly [string, string] =>
  type === 'swap' ? ['mkswap', '--version'] : [`mkfs.${type}`, '-V']

/**
 * What formatting does to a disk, given what {@link makerOf} said of its version. Pure. The partition may have no room at all: the caller compares with
 * {@link smallestBytes}.
 */
export function planFormat(disk: DiskToFormat, wanted: NewFilesystem, version: string): FormatPlan {
  const end = Math.floor((disk.sizeBytes - gptTailSectors * disk.sectorSizeBytes) / mebibyte)
  const [program] = makerOf(wanted.type)
  return {
    script: `label: gpt\nstart=1MiB, size=${end - 1}MiB, type=${wanted.type === 'swap' ? swap : linuxData}\n`,
    partitionBytes: Math.max(0, end - 1) * mebibyte,
    makeArgv: [program, ...optionsOf(wanted, disk, version)],
  }
}

/**
 * What was on a disk is discarded, so that the image gives back what it took. On a blank one there is nothing to give back, and qcow2 would grow by the
 * tables that say so: 128 MiB for a terabyte.
 */
function optionsOf(wanted: NewFilesystem, { sizeBytes, blank }: DiskToFormat, version: string): string[] {
  switch (wanted.type) {
    case 'ext2':
    case 'ext3':
      return [...extOptions(wanted), ...(blank ? ['-E', 'nodiscard'] : [])]
    case 'ext4':
      return [...extOptions(wanted), ...ext4Options(wanted, sizeBytes, blank)]
    case 'xfs':
      return [...(blank ? ['-K'] : []), ...xfsOptions(wanted, version)]
    case 'f2fs':
      return [...(blank ? ['-t', '0'] : []), ...f2fsOptions(wanted)]
    case 'swap':
      return [...option('-U', wanted.uuid), ...option('-L', wanted.label)]
  }
}

const option = (flag: string, value: string | number | undefined): string[] => (value === undefined ? [] : [flag, String(value)])

const extOptions = ({ reservedPercent, uuid, label }: NewFilesystem): string[] => [
  '-q',
  ...option('-m', reservedPercent),
  ...option('-U', uuid),
  ...option('-L', label),
]

/**
 * Written out instead of taken from the tool's configuration: a disk goes to a guest of any age. Without `metadata_csum_seed` (Linux 4.4) and
 * `orphan_file` (the e2fsck of Ubuntu 22.04 refuses it), which mke2fs 1.47 has by default; with `64bit` (Linux 2.6.28), without which no disk could
 * grow beyond 16 TiB.
 */
const ext4Features = [
  ...['has_journal', 'ext_attr', 'resize_inode', 'dir_index', 'filetype', 'extent', '64bit', 'flex_bg', 'sparse_super', 'large_file'],
  ...['huge_file', 'dir_nlink', 'extra_isize', 'metadata_csum'],
]
// What uses such directories, Android, also wants to account for its applications.
const ext4CasefoldFeatures = ['casefold', 'project', 'quota']

function ext4Options({ caseInsensitive = false, thresholds }: NewFilesystem, diskBytes: number, blank: boolean): string[] {
  // Neither inode tables nor journal are written: the first is the guest's work when it has nothing else to do, the second need not be.
  const extended = [
    ...['lazy_itable_init=1', 'lazy_journal_init=1', ...(blank ? ['nodiscard'] : [])],
    ...(caseInsensitive ? ['encoding=utf8', 'encoding_flags=strict'] : []),
  ]
  return [
    ...['-O', ['none', ...ext4Features, ...(caseInsensitive ? ext4CasefoldFeatures : [])].join(',')],
    ...['-E', extended.join(',')],
    ...option('-T', usageType(thresholds, diskBytes)),
  ]
}

function usageType(thresholds: NewFilesystem['thresholds'], diskBytes: number): string | undefined {
  if (thresholds === undefined) return undefined
  if (diskBytes > thresholds.largefileBytes) return 'largefile'
  return diskBytes > thresholds.hugeBytes ? 'huge' : undefined
}

/**
 * Features by the xfsprogs that made them the default, or that will: each keeps older kernels from mounting the disk, or from writing to it. With
 * checksums (v5), and without these, Linux 3.10 as in CentOS 7 does both. `bigtime`, `inobtcount` and `nrext64` can be switched on later (xfs_admin(8)).
 */
const xfsDefaults: readonly { readonly since: readonly [number, number]; readonly without: readonly string[] }[] = [
  // Linux 4.9 and 4.8
  { since: [5, 1], without: ['-m', 'reflink=0,rmapbt=0'] },
  // 5.10
  { since: [5, 15], without: ['-m', 'bigtime=0,inobtcount=0'] },
  // 5.19
  { since: [6, 0], without: ['-i', 'nrext64=0'] },
  // 6.10
  { since: [6, 10], without: ['-i', 'exchange=0', '-n', 'parent=0'] },
]

function xfsOptions({ uuid, label }: NewFilesystem, version: string): string[] {
  const [, major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(version) ?? []).map(Number)
  const known = xfsDefaults.filter(({ since: [a, b] }) => major > a || (major === a && minor >= b))
  return [
    ...['-q', '-f', '-m', 'crc=1'],
    ...known.flatMap(({ without }) => without),
    ...option('-m', uuid === undefined ? undefined : `uuid=${uuid}`),
    ...option('-L', label),
  ]
}

function f2fsOptions({ uuid, label, caseInsensitive = false, overprovisionPercent }: NewFilesystem): string[] {
  return [
    ...['-q', '-f'],
    ...['-O', ['extra_attr', 'inode_checksum', 'sb_checksum', ...(caseInsensitive ? ['casefold'] : [])].join(',')],
    ...(caseInsensitive ? ['-C', 'utf8'] : []),
    ...option('-o', overprovisionPercent),
    ...option('-U', uuid),
    ...option('-l', label),
  ]
}
