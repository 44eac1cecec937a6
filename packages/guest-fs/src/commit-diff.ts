import { DeployError, FsError, joinToolPath, type RawFs, type ToolPath, type XattrChange } from '@host-deployer/driver-api'
import type { DiffEntry, NodeState, TreeDiff } from './guest-fs.ts'
import { childOf, type GuestPath } from './guest-path.ts'
import { mapBounded } from './map-bounded.ts'
import type { MountedTree } from './mounted-tree.ts'
import { nameGuestPath } from './name-guest-path.ts'
import { type CommitPlan, type Placement, planCommit } from './plan-commit.ts'
import { findStaleStaging, removeStaging, stagingName } from './staging-area.ts'

/** Calls in flight at once: enough to fill a connection, few enough for any server's queue. */
const parallelism = 64

export interface Commit {
  readonly fs: RawFs
  /** Where the diff was made against. */
  readonly base: MountedTree
  readonly mounts: readonly GuestPath[]
  readonly diff: TreeDiff
}

/**
 * Makes the diff true, see `StagedFs.commit`. What a step needs is complete before it starts; within a step calls go out in parallel.
 *
 * | step | a kill during it leaves |
 * |---|---|
 * | stale staging removed; everything new built in staging; `syncfs` | the old tree and a staging directory |
 * | directories, files, links renamed into place; removals; metadata | each entry old or new, and a staging directory |
 * | staging removed; `syncfs` | the new tree, perhaps a staging directory |
 */
export async function commitDiff({ fs, base, mounts, diff }: Commit): Promise<void> {
  const plan = planCommit(diff, mounts)
  const staging = new Map(plan.stagingMounts.map((mount) => [mount, base.toolPathOf(childOf(mount, stagingName))]))
  const stale = await findStaleStaging(base, mounts)
  await mapBounded(stale, parallelism, (path) => nameGuestPath(path, removeStaging(fs, base.toolPathOf(path))))
  const cleared = mounts.filter((mount) => stale.includes(childOf(mount, stagingName)))
  if (diff.length === 0) return sync(cleared)

  const placed = plan.placements.map((placement, index) => ({
    ...placement,
    staged: joinToolPath(stagingFor(placement.mount), `new-${index}`),
    old: joinToolPath(stagingFor(placement.mount), `old-${index}`),
  }))
  try {
    await mapBounded(plan.stagingMounts, parallelism, (mount) =>
      nameGuestPath(mount, fs.mkdir(stagingFor(mount), { mode: 0o700, uid: 0, gid: 0 })),
    )
    await build(fs, base, placed)
    await sync(plan.stagingMounts)
  } catch (error) {
    await discardStaging(error)
    throw error
  }
  try {
    await apply(placed, plan)
  } catch (error) {
    const failure = FsError.is(error) ? halfWay(error) : error
    await discardStaging(failure)
    throw failure
  }
  await mapBounded(plan.stagingMounts, parallelism, (mount) =>
    nameGuestPath(childOf(mount, stagingName), removeStaging(fs, stagingFor(mount))),
  )
  // Last, so that nothing is left to write back.
  await sync([...new Set([...plan.mounts, ...cleared])]).catch((error: unknown) => {
    throw FsError.is(error) ? halfWay(error) : error
  })

  function stagingFor(mount: GuestPath): ToolPath {
    return staging.get(mount) ?? base.toolPathOf(childOf(mount, stagingName))
  }

  async function sync(points: readonly GuestPath[]): Promise<void> {
    await mapBounded(points, parallelism, (point) => nameGuestPath(point, fs.syncfs(base.toolPathOf(point))))
  }

  /** After a failure: best effort, the first error stays the error. The next run removes what is left. */
  async function discardStaging(failure: unknown): Promise<void> {
    for (const directory of staging.values()) {
      await removeStaging(fs, directory).catch((error: unknown) => {
        if (!FsError.is(error, 'not-found') && DeployError.isInstance(failure)) failure.cleanupErrors.push(error)
      })
    }
  }

  async function apply(all: readonly Placed[], { removals, metadata }: CommitPlan): Promise<void> {
    // Links come last, so that none points at something that is still to come.
    for (const type of ['directory', 'file', 'symlink']) {
      const batch = all.filter(({ after }) => after.type === type)
      await mapBounded(batch, parallelism, async ({ entry: { path }, vacate, staged, old }) => {
        if (vacate) await nameGuestPath(path, fs.rename(base.toolPathOf(path), old))
        await nameGuestPath(path, fs.rename(staged, base.toolPathOf(path)))
      })
    }
    await mapBounded([...removals.entries()], parallelism, ([index, { path, mount, directory }]) => {
      const target = base.toolPathOf(path)
      // Moved away whole, so that a directory is never half removed.
      const removal = directory ? fs.rename(target, joinToolPath(stagingFor(mount), `removed-${index}`)) : fs.unlink(target)
      return nameGuestPath(path, removal)
    })
    await mapBounded(metadata, parallelism, async ({ path, before, after }) => {
      const target = base.toolPathOf(path)
      if (before.uid !== after.uid || before.gid !== after.gid) await nameGuestPath(path, fs.chown(target, after.uid, after.gid))
      if (before.mode !== after.mode) await nameGuestPath(path, fs.chmod(target, after.mode))
    })
    const labels = metadata.map(({ path, before, after }) => ({ path: base.toolPathOf(path), attributes: newAttributes(after, before) }))
    await setXattrs(fs, labels)
  }
}

interface Placed extends Placement {
  /** Where it is built. */
  readonly staged: ToolPath
  /** Where what it replaces goes, when it has to go first. */
  readonly old: ToolPath
}

/** One thing to make in the staging directory. */
interface Part {
  readonly path: GuestPath
  readonly at: ToolPath
  readonly depth: number
  readonly after: NodeState
  readonly content: Uint8Array | undefined
}

async function build(fs: RawFs, base: MountedTree, placed: readonly Placed[]): Promise<void> {
  const parts: Part[] = []
  for (const { entry, after, below, staged, copyContent } of placed) {
    const content = copyContent ? await base.readFile(entry.path, Number.MAX_SAFE_INTEGER) : entry.content?.after
    parts.push({ path: entry.path, at: staged, depth: 0, after, content })
    for (const child of below) parts.push(...partBelow(entry, child, staged))
  }
  const directories = parts.filter(({ after }) => after.type === 'directory')
  const depths = [...new Set(directories.map(({ depth }) => depth))].sort((left, right) => left - right)
  for (const depth of depths) await make(directories.filter((part) => part.depth === depth))
  await make(parts.filter(({ after }) => after.type !== 'directory'))
  await setXattrs(
    fs,
    parts.map(({ at, after }) => ({ path: at, attributes: newAttributes(after) })),
  )
  // An access ACL carries the mode of its file and has just set it.
  const withAcl = parts.filter(({ after }) => after.xattrs?.['system.posix_acl_access'] !== undefined)
  await mapBounded(withAcl, parallelism, ({ path, at, after }) => nameGuestPath(path, fs.chmod(at, after.mode)))

  async function make(batch: readonly Part[]): Promise<void> {
    await mapBounded(batch, parallelism, ({ path, at, after, content }) => nameGuestPath(path, makePart(fs, at, after, content)))
  }
}

function partBelow(unit: DiffEntry, child: DiffEntry, staged: ToolPath): Part[] {
  if (child.after === undefined) return []
  const relative = child.path.slice(unit.path.length + 1).split('/')
  const at = joinToolPath(staged, ...relative)
  return [{ path: child.path, at, depth: relative.length, after: child.after, content: child.content?.after }]
}

function makePart(fs: RawFs, at: ToolPath, { type, mode, uid, gid, target }: NodeState, content: Uint8Array | undefined): Promise<void> {
  if (type === 'directory') return fs.mkdir(at, { mode, uid, gid })
  if (type === 'symlink' && target !== undefined) return fs.symlink(target, at, { uid, gid })
  if (type === 'file' && content !== undefined) return fs.createFile(at, content, { mode, uid, gid })
  throw new TypeError(`Nothing says how to make this ${type}`)
}

/** The attributes of `after` that `before` has not, or with another value. */
function newAttributes(after: NodeState, before?: NodeState): ReadonlyMap<string, Uint8Array> {
  const wanted = Object.entries(after.xattrs ?? {}).filter(([name, value]) => before?.xattrs?.[name] !== value)
  return new Map(wanted.map(([name, value]) => [name, Buffer.from(value, 'base64')]))
}

async function setXattrs(fs: RawFs, changes: readonly XattrChange[]): Promise<void> {
  const wanted = changes.filter(({ attributes }) => attributes.size > 0)
  if (wanted.length > 0) await fs.setXattrs(wanted)
}

function halfWay(error: FsError): FsError {
  return new FsError(error.kind, error.path, error.message, {
    cause: error,
    hint: 'The commit stopped half way: each file is the old or the new one. Run the same request again to complete it.',
    context: { partial: true },
  })
}
