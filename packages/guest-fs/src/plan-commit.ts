import type { DiffEntry, NodeState, TreeDiff } from './guest-fs.ts'
import { type GuestPath, parentOf } from './guest-path.ts'

/** Something built in the staging directory and renamed to its place. */
export interface Placement {
  readonly entry: DiffEntry
  readonly after: NodeState
  /** The mount point of the file system it is on. */
  readonly mount: GuestPath
  /** What comes with a new directory, parents before children. */
  readonly below: readonly DiffEntry[]
  /** A directory makes way, or is to come where something else is: rename(2) does not swap those, so the old one is moved out first. */
  readonly vacate: boolean
  /** The bytes stay as they are in the guest and have to be copied. */
  readonly copyContent: boolean
}

export interface CommitPlan {
  readonly placements: readonly Placement[]
  readonly removals: readonly { readonly path: GuestPath; readonly mount: GuestPath; readonly directory: boolean }[]
  readonly metadata: readonly {
    readonly path: GuestPath
    readonly mount: GuestPath
    readonly before: NodeState
    readonly after: NodeState
  }[]
  /** Mount points of the file systems that need a staging directory. */
  readonly stagingMounts: readonly GuestPath[]
  /** Mount points of all file systems that are written. */
  readonly mounts: readonly GuestPath[]
}

/** Turns a diff into the renames, removals and metadata changes that make it true. Pure. */
export function planCommit(diff: TreeDiff, mounts: readonly GuestPath[]): CommitPlan {
  const units = new Map<GuestPath, DiffEntry[]>()
  const vanished = new Set<GuestPath>()
  const placements: Placement[] = []
  const removals: CommitPlan['removals'][number][] = []
  const metadata: CommitPlan['metadata'][number][] = []

  const ancestorIn = (path: GuestPath, set: { has(path: GuestPath): boolean }): GuestPath | undefined => {
    for (let at = parentOf(path); at !== '/'; at = parentOf(at)) if (set.has(at)) return at
    return undefined
  }

  // A directory sorts before what is in it, so that its fate is known by then.
  for (const entry of diff) {
    const { path, before, after } = entry
    const mount = mountAbove(path, mounts)
    if (before?.type === 'directory' && after?.type !== 'directory') vanished.add(path)
    if (after === undefined) {
      if (ancestorIn(path, vanished) === undefined) removals.push({ path, mount, directory: before?.type === 'directory' })
      continue
    }
    const unit = ancestorIn(path, units)
    if (unit !== undefined) {
      units.get(unit)?.push(entry)
      continue
    }
    const sameType = before?.type === after.type
    const copyContent = sameType && entry.content?.after === undefined && losesBitsByChown(before, after)
    if (sameType && entry.content?.after === undefined && before.target === after.target && !copyContent) {
      metadata.push({ path, mount: mounts.includes(path) ? path : mount, before, after })
      continue
    }
    const below: DiffEntry[] = []
    if (after.type === 'directory') units.set(path, below)
    const vacate = before !== undefined && !sameType && (before.type === 'directory' || after.type === 'directory')
    placements.push({ entry, after, mount, below, vacate, copyContent })
  }

  const stagingMounts = [...placements, ...removals.filter(({ directory }) => directory)].map(({ mount }) => mount)
  const all = [...stagingMounts, ...removals.map(({ mount }) => mount), ...metadata.map(({ mount }) => mount)]
  return { placements, removals, metadata, stagingMounts: [...new Set(stagingMounts)], mounts: [...new Set(all)] }
}

/**
 * chown(2) drops set-id bits and file capabilities. Between it and what puts them back a killed run would leave a file that the next run
 * takes for the original, so such a file is replaced as a whole.
 */
function losesBitsByChown(before: NodeState, after: NodeState): boolean {
  const owned = before.uid === after.uid && before.gid === after.gid
  const fragile = ((before.mode | after.mode) & 0o6000) !== 0 || after.xattrs?.['security.capability'] !== undefined
  return before.type === 'file' && !owned && fragile
}

/** The mount point of the file system that holds the directory entry `path`: the longest one strictly above it. */
function mountAbove(path: GuestPath, mounts: readonly GuestPath[]): GuestPath {
  const above = mounts.filter((mount) => mount !== path && (mount === '/' || path.startsWith(`${mount}/`)))
  return above.reduce((best, mount) => (mount.length > best.length ? mount : best), '/' as GuestPath)
}
