import type { Diagnostic, ToolPath } from '@host-deployer/driver-api'

export interface GrowRequest {
  /** Enlarge the partition that holds the root (cloud-init's `growpart`), and LVM above it. */
  readonly partition: boolean
  /** Enlarge the root file system (`resize_rootfs`). */
  readonly filesystem: boolean
}

interface OfGroup {
  /** Every physical volume of the group; LVM sees no other device. */
  readonly members: readonly ToolPath[]
  /** Of the group. */
  readonly systemId: string | null
}

export type GrowStep =
  | {
      readonly kind: 'partition'
      readonly disk: ToolPath
      readonly node: ToolPath
      readonly table: 'gpt' | 'mbr'
      readonly number: number
      readonly sectorSizeBytes: number
      readonly startBytes: number
      readonly fromBytes: number
      readonly toBytes: number
      /** The extended partition of an MBR, which the logical one that grows is in: the kernel has no device for what is in it. */
      readonly extended?: true
    }
  | ({ readonly kind: 'physical-volume'; readonly device: ToolPath } & OfGroup)
  | ({ readonly kind: 'logical-volume'; readonly device: ToolPath; readonly toBytes: number } & OfGroup)
  | {
      readonly kind: 'filesystem'
      readonly device: ToolPath
      readonly type: OnlineType
      /** Where it is mounted on the tool host. */
      readonly target: ToolPath
      /** Of the device that it is to fill. */
      readonly toBytes: number
    }
  /** Grown by its own tool while it is not mounted. */
  | { readonly kind: 'filesystem'; readonly device: ToolPath; readonly type: 'f2fs'; readonly toBytes: number }
  /** Made anew with the same name tags: nothing in it outlives a power cycle. */
  | {
      readonly kind: 'swap'
      readonly device: ToolPath
      readonly uuid: string | null
      readonly label: string | null
      readonly pageSizeBytes: number
      readonly toBytes: number
    }

/** Types that grow while they are mounted. */
export const onlineTypes = ['ext2', 'ext3', 'ext4', 'xfs', 'btrfs'] as const
export type OnlineType = (typeof onlineTypes)[number]
export const isOnlineType = (type: string): type is OnlineType => onlineTypes.some((online) => online === type)

/** What growing would do, in order. No steps: what is there already fills what there is, or a diagnostic says why it cannot. */
export interface GrowPlan {
  readonly steps: readonly GrowStep[]
  /** `GROW_NOT_LAST`, `GROW_UNSUPPORTED`, `GROW_MBR_LIMIT`. */
  readonly diagnostics: readonly Diagnostic[]
}
