import type { Diagnostic, ToolPath } from '@host-deployer/driver-api'

/** One entry of a partition table. */
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
  /** GPT attributes as `sfdisk` writes them; null when there are none. */
  readonly attributes: string | null
}

export interface PartitionTable {
  readonly kind: 'gpt' | 'mbr'
  readonly sectorSizeBytes: number
  /** GPT: first and last LBA a partition may use, as the header says (a disk that was enlarged still says the old ones). MBR: null. */
  readonly firstLba: number | null
  readonly lastLba: number | null
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
  readonly extentSizeBytes: number
  readonly freeBytes: number
  /** Physical volumes the group expects and the session does not have. */
  readonly missingPhysicalVolumes: number
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

/** What low-level probing found at the start of a device. */
export interface Filesystem {
  /** A whole disk, a partition's node, or a logical volume's {@link LogicalVolume.device}. */
  readonly device: ToolPath
  /** blkid's name: `ext4`, `xfs`, `btrfs`, `vfat`, `swap`, `crypto_LUKS`, `LVM2_member`, `linux_raid_member`. */
  readonly type: string
  /** blkid's class of it; `ambivalent` when several signatures contradict each other: then nothing is mounted from it. */
  readonly usage: 'filesystem' | 'raid' | 'crypto' | 'other' | 'ambivalent'
  readonly label: string | null
  readonly uuid: string | null
  /** Of the partition below; null for anything else. */
  readonly partUuid: string | null
  readonly partLabel: string | null
  /** Size of the device. */
  readonly sizeBytes: number
  /** How much of the device the file system covers; null when probing does not tell. */
  readonly filesystemSizeBytes: number | null
}

/** Everything found on a session's disks, a plain value. Orders: disks as requested, partitions by number, file systems in that order, then logical volumes. */
export interface Storage {
  readonly disks: readonly StorageDisk[]
  readonly physicalVolumes: readonly PhysicalVolume[]
  readonly volumeGroups: readonly VolumeGroup[]
  /** The activated ones. */
  readonly logicalVolumes: readonly LogicalVolume[]
  readonly filesystems: readonly Filesystem[]
  readonly diagnostics: readonly Diagnostic[]
}
