import type { Diagnostic, ToolPath } from '@host-deployer/driver-api'

/** One entry of a partition table, as the tool host's kernel sees it. */
export interface Partition {
  /** {@link StorageDisk.id} of the disk it is on. */
  readonly diskId: string
  /** The number in the table, which the guest's device name ends with; not the position. */
  readonly number: number
  readonly node: ToolPath
  readonly startBytes: number
  readonly sizeBytes: number
  /** GPT: type GUID in upper case. MBR: the type byte in lower case hex without leading zero, `83`, `5`. */
  readonly type: string
  /** GPT partition name; null for MBR and when empty. */
  readonly name: string | null
  /** What `PARTUUID=` means: GPT unique GUID, or MBR disk signature and number (`8c3d5e11-01`), in lower case. */
  readonly uuid: string | null
}

export interface PartitionTable {
  readonly kind: 'gpt' | 'mbr'
  readonly sectorSizeBytes: number
  /** GPT: the disk's GUID; MBR: the signature. Lower case; null when there is none. */
  readonly id: string | null
  /** In the order of their numbers. MBR: the extended partition included, logical ones from 5. */
  readonly partitions: readonly Partition[]
}

export interface StorageDisk {
  readonly id: string
  readonly device: ToolPath
  readonly sizeBytes: number
  readonly readOnly: boolean
  /** null: no table, or one of a kind we do not read (a diagnostic says so). */
  readonly table: PartitionTable | null
}

export interface PhysicalVolume {
  /** A whole disk or a partition's node. */
  readonly device: ToolPath
  readonly uuid: string
  readonly volumeGroup: string | null
  /** Size of the device below. */
  readonly deviceSizeBytes: number
  /** Bytes in extents, used or not. */
  readonly sizeBytes: number
  /** Where the first extent starts. */
  readonly dataStartBytes: number
}

export interface VolumeGroup {
  readonly name: string
  readonly uuid: string
  /** The machine that LVM lets use it (lvmsystemid(7)); null: any. */
  readonly systemId: string | null
  readonly extentSizeBytes: number
  readonly freeBytes: number
  /** Physical volumes the group expects and the session does not have. */
  readonly missingPhysicalVolumes: number
  /** Its logical volumes have device nodes. A group whose name another one on an earlier disk has, too, stays inactive. */
  readonly active: boolean
}

export interface LogicalVolume {
  /** `/dev/<group>/<volume>`. */
  readonly device: ToolPath
  /** `/dev/mapper/<group>-<volume>`, dashes within names doubled. */
  readonly mapperDevice: ToolPath
  readonly volumeGroup: string
  readonly name: string
  readonly uuid: string
  readonly sizeBytes: number
  /** As lvs(8) reports: `linear`, `striped`, `raid,raid1`, `thin,sparse`. */
  readonly layout: string
}

/** What low-level probing found at the start of a device. One with contradicting signatures is not listed: nothing would tell what it holds. */
export interface Filesystem {
  /** A whole disk, a partition's node, or a logical volume's {@link LogicalVolume.device}. */
  readonly device: ToolPath
  /** blkid's name: `ext4`, `xfs`, `btrfs`, `vfat`, `swap`, `crypto_LUKS`, `LVM2_member`, `linux_raid_member`. */
  readonly type: string
  readonly label: string | null
  readonly uuid: string | null
  /** Of the partition below; null for anything else. */
  readonly partUuid: string | null
  readonly partLabel: string | null
  /** Size of the device; what the file system covers of it may be less. */
  readonly sizeBytes: number
  /** The disk it is on; null for a logical volume. */
  readonly diskId: string | null
}

/** Everything found on a session's disks, a plain value. Orders: disks as requested, partitions by number, file systems in that order, then logical volumes. */
export interface Storage {
  readonly disks: readonly StorageDisk[]
  readonly physicalVolumes: readonly PhysicalVolume[]
  readonly volumeGroups: readonly VolumeGroup[]
  /** Those of active groups. */
  readonly logicalVolumes: readonly LogicalVolume[]
  readonly filesystems: readonly Filesystem[]
  readonly diagnostics: readonly Diagnostic[]
}
