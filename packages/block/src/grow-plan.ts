import type { Diagnostic, ToolPath } from '@host-deployer/driver-api'

export interface GrowRequest {
  /** Enlarge the partition that holds the root (cloud-init's `growpart`), and LVM above it. */
  readonly partition: boolean
  /** Enlarge the root file system (`resize_rootfs`). */
  readonly filesystem: boolean
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
    }
  /** `members`: every physical volume of the group; LVM sees no other device. */
  | { readonly kind: 'physical-volume'; readonly device: ToolPath; readonly members: readonly ToolPath[] }
  | { readonly kind: 'logical-volume'; readonly device: ToolPath; readonly members: readonly ToolPath[] }
  | {
      readonly kind: 'filesystem'
      readonly device: ToolPath
      readonly type: 'ext2' | 'ext3' | 'ext4' | 'xfs' | 'btrfs'
      /** Where it is mounted on the tool host. */
      readonly target: ToolPath
    }

/** What growing would do, in order. No steps: the root already fills what there is, or a diagnostic says why it cannot. */
export interface GrowPlan {
  readonly steps: readonly GrowStep[]
  /** `GROW_NOT_LAST`, `GROW_UNSUPPORTED`, `GROW_MBR_LIMIT`. */
  readonly diagnostics: readonly Diagnostic[]
}
