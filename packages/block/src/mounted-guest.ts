import type { Diagnostic, DriverSession, ToolPath } from '@host-deployer/driver-api'
import type { GuestPath } from '@host-deployer/guest-fs'

/** The part of a driver session that is needed here. */
export type BlockSession = Pick<DriverSession, 'toolHost' | 'capabilities'>

export interface MountOptions {
  /** A directory of the tool host to mount below; made when it is missing. Default `/run/host-deployer`. One guest at a time in it. */
  readonly base?: ToolPath
  /** Which file system is the root: a device as the scan names it, or `UUID=`, `LABEL=`, `PARTUUID=`, `PARTLABEL=`. Default: by evidence. */
  readonly rootDevice?: string
  /**
   * What to do with an unfinished journal. `replay` (default): as the guest's own boot would, which writes to the device (a read-only device is
   * never replayed). `ignore`: mount without it, look only; remounting read-write then fails.
   */
  readonly journal?: 'replay' | 'ignore'
}

export interface GuestMount {
  readonly device: ToolPath
  /** Where the guest mounts it. */
  readonly path: GuestPath
  readonly type: string
  /** Where it is mounted on the tool host. */
  readonly target: ToolPath
}

/** The storage section of a report, shaped as `StorageInfo` of the `api` package. */
export interface GuestStorage {
  /** Of the disk the root is on; null for a whole-disk file system. */
  readonly partitionTable: 'gpt' | 'mbr' | null
  readonly rootDevice: string
  /** The root is on a logical volume. */
  readonly lvm: boolean
  readonly filesystems: readonly {
    readonly device: string
    readonly type: string
    readonly label: string | null
    readonly uuid: string | null
    readonly sizeBytes: number
    /** From the guest's fstab, whether it is mounted here or not; `/` for the root. */
    readonly mountpoint: string | null
  }[]
}

/** What the partition tables say about booting; evidence for os-detect. */
export interface BootEvidence {
  /** An EFI system partition exists. */
  readonly esp: boolean
  /** A GPT BIOS boot partition exists. */
  readonly biosBootPartition: boolean
  /** The root disk has an MBR, or no table at all. */
  readonly mbr: boolean
}

/** A guest's file systems, mounted read-only at first. */
export interface MountedGuest extends AsyncDisposable {
  /** The mount point of the root file system on the tool host: what `GuestFs` is rooted at. */
  readonly root: ToolPath
  readonly rootDevice: ToolPath
  /** The root first, then in the order they were mounted. */
  readonly mounts: readonly GuestMount[]
  readonly storage: GuestStorage
  readonly boot: BootEvidence
  /** fstab lines that were not mounted and why, unusual roots, ignored journals. */
  readonly diagnostics: readonly Diagnostic[]
  /**
   * Makes mounts writable: those that hold one of the given guest paths (canonical), all when absent. Idempotent.
   * `BLOCK_FILESYSTEM_READ_ONLY` (the device or the file system refuses), `BLOCK_MOUNT_FAILED`.
   */
  remountReadWrite(paths?: readonly GuestPath[]): Promise<void>
  /** The caller has synced what it wrote: `unmount` need not. */
  synced(): void
  /**
   * Writes back, unmounts in reverse order, deactivates the volume groups. Idempotent. Tries everything, then rejects with the first error:
   * `BLOCK_UNMOUNT_FAILED`, `BLOCK_LVM_FAILED`.
   */
  unmount(): Promise<void>
}
