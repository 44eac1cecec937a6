import type { RawFs, ToolPath } from '@host-deployer/driver-api'
import type { GuestFs } from './guest-fs.ts'
import { type GuestPath, guestPath } from './guest-path.ts'
import { createMountedTree, type MountedTree } from './mounted-tree.ts'
import { createRootedView } from './rooted-view.ts'

export interface GuestMount {
  /** The tool host's primitives. */
  readonly fs: RawFs
  /** Where the guest's root file system is mounted. */
  readonly root: ToolPath
  /** The guest paths where file systems are mounted, the root's among them. Default: `/` alone. */
  readonly mounts?: readonly GuestPath[]
}

/** What {@link openGuestFs} gives: a `GuestFs` that `stageGuestFs` can build on, sharing everything it has looked up. */
export interface OpenedGuestFs extends GuestFs {
  /** For this package only. */
  readonly mounted: { readonly fs: RawFs; readonly tree: MountedTree; readonly mounts: readonly GuestPath[] }
}

/**
 * Opens the mounted guest as a rooted tree. No request is made before the first lookup. Lookups are cached for good, because nobody else
 * writes the tree while the driver holds the image's lock; a commit of a `StagedFs` on top makes it look again.
 */
export function openGuestFs({ fs, root, mounts = [] }: GuestMount): OpenedGuestFs {
  const tree = createMountedTree(fs, root)
  const points = [...new Set([guestPath('/'), ...mounts])]
  return { ...createRootedView(tree), mounted: { fs, tree, mounts: points } }
}
