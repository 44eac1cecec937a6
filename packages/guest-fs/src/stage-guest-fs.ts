import { FsError, type FsErrorKind, type RawStat } from '@host-deployer/driver-api'
import { commitDiff } from './commit-diff.ts'
import { diffTrees } from './diff-trees.ts'
import type { DirectoryOptions, StagedFs, TreeDiff, WriteOptions } from './guest-fs.ts'
import { childOf, type GuestPath, parentOf } from './guest-path.ts'
import type { OpenedGuestFs } from './open-guest-fs.ts'
import { createOverlayTree, type StagedNode } from './overlay-tree.ts'
import { createRootedView } from './rooted-view.ts'
import { createSensitivePaths } from './sensitive-paths.ts'
import { findStaleStaging, stagingName } from './staging-area.ts'
import { maxNameBytes, type Place, walk } from './walk.ts'

/**
 * Stages changes on top of an opened guest, sharing what it has looked up. Writing methods take effect one after the other in the order they
 * were called. Beyond what the interface says they reject with `invalid-path` for the root directory and for the staging directory's own
 * name, and with `not-supported` for taking away a mount point (or a directory above one) and for metadata of devices, FIFOs and sockets.
 *
 * Staged entries have the modification time of what they replace, else the epoch: there is no clock here.
 */
export function stageGuestFs(guest: OpenedGuestFs): StagedFs {
  const { fs, tree: base, mounts } = guest.mounted
  const overlay = createOverlayTree(base)
  const sensitive = createSensitivePaths()
  let last: Promise<unknown> = Promise.resolve()

  function exclusively<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = last.then(work)
    last = turn.catch(() => undefined)
    return turn
  }

  /** Where an entry is to be written: nothing but its last segment may be missing. */
  async function target(path: GuestPath, followLast: boolean, forFile = false): Promise<Place> {
    const place = await walk(overlay, path, followLast, forFile)
    if (place.missing > 1) throw new FsError('not-found', path)
    assertUsable(place.path, path)
    return place
  }

  async function existing(path: GuestPath, followLast: boolean): Promise<{ path: GuestPath; stat: RawStat }> {
    const { path: canonical, stat } = await target(path, followLast)
    if (stat === undefined) throw new FsError('not-found', path)
    return { path: canonical, stat }
  }

  /** The staged form of an entry whose bytes, text and entries stay as they are. */
  function restat(path: GuestPath, stat: RawStat): StagedNode {
    const found = overlay.layer(path)
    return typeof found === 'object' ? { ...found, stat } : { stat, xattrs: new Map(), children: new Map(), showsBase: true }
  }

  function attributesToKeep(path: GuestPath, keep: boolean): ReadonlyMap<string, Uint8Array> {
    const found = overlay.layer(path)
    return keep && typeof found === 'object' ? found.xattrs : new Map()
  }

  async function writeFile(asked: GuestPath, content: string | Uint8Array, options: WriteOptions): Promise<void> {
    const { path, stat } = await target(asked, options.replaceSymlink !== true, true)
    if (stat?.type === 'directory') throw new FsError('is-a-directory', asked)
    if (stat !== undefined && stat.type !== 'file' && stat.type !== 'symlink') throw new FsError('not-a-file', asked)
    const replaced = stat?.type === 'file' ? stat : undefined
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content.slice()
    if (options.sensitive === true) sensitive.addFile(path)
    overlay.put(path, {
      stat: {
        type: 'file',
        mode: (options.mode ?? replaced?.mode ?? 0o644) & 0o7777,
        uid: options.uid ?? replaced?.uid ?? 0,
        gid: options.gid ?? replaced?.gid ?? 0,
        sizeBytes: bytes.byteLength,
        mtimeMs: replaced?.mtimeMs ?? 0,
      },
      content: bytes,
      xattrs: attributesToKeep(path, replaced !== undefined),
      children: new Map(),
      showsBase: false,
    })
  }

  async function makeDirectories(asked: GuestPath, { mode = 0o755, uid = 0, gid = 0 }: DirectoryOptions): Promise<void> {
    const { path, stat, missing } = await walk(overlay, asked, true)
    if (stat !== undefined && stat.type !== 'directory') throw new FsError('not-a-directory', asked)
    assertUsable(path, asked)
    const absent: GuestPath[] = []
    for (let at = path; absent.length < missing; at = parentOf(at)) absent.unshift(at)
    for (const at of absent) {
      overlay.put(at, {
        stat: { type: 'directory', mode: mode & 0o7777, uid, gid, sizeBytes: 0, mtimeMs: 0 },
        xattrs: new Map(),
        children: new Map(),
        showsBase: false,
      })
    }
  }

  async function symlink(text: string, asked: GuestPath, owner: { readonly uid?: number; readonly gid?: number }): Promise<void> {
    if (text === '' || text.includes('\0')) throw new FsError('invalid-path', asked, 'A symlink holds a text without NUL')
    if (Buffer.byteLength(text) > 4095) throw new FsError('name-too-long', asked)
    const { path, stat } = await target(asked, false)
    if (stat?.type === 'directory') throw new FsError('is-a-directory', asked)
    if (stat !== undefined && stat.type !== 'file' && stat.type !== 'symlink') throw new FsError('not-a-file', asked)
    const replaced = stat?.type === 'symlink' ? stat : undefined
    overlay.put(path, {
      stat: {
        type: 'symlink',
        mode: 0o777,
        uid: owner.uid ?? replaced?.uid ?? 0,
        gid: owner.gid ?? replaced?.gid ?? 0,
        sizeBytes: Buffer.byteLength(text),
        mtimeMs: replaced?.mtimeMs ?? 0,
      },
      target: text,
      xattrs: attributesToKeep(path, replaced !== undefined),
      children: new Map(),
      showsBase: false,
    })
  }

  async function remove(asked: GuestPath, withContent: boolean, isSensitive = false): Promise<void> {
    const place = await walk(overlay, asked, false).catch((error: unknown) => {
      if (FsError.is(error, 'not-found', 'not-a-directory')) return undefined
      throw error
    })
    if (place?.stat === undefined) return
    const { path, stat } = place
    assertUsable(path, asked)
    if (path === '/') throw new FsError('invalid-path', asked, 'The root directory cannot be removed')
    const mount = mounts.find((point) => point === path || point.startsWith(`${path}/`))
    if (mount !== undefined) throw new FsError('not-supported', asked, `A file system is mounted at ${JSON.stringify(mount)}`)
    if (!withContent && stat.type === 'directory' && (await overlay.readdir(path)).size > 0) throw new FsError('not-empty', asked)
    if (isSensitive) sensitive.addTree(path)
    overlay.takeAway(path)
  }

  async function setMeta(asked: GuestPath, change: Partial<Pick<RawStat, 'mode' | 'uid' | 'gid'>>): Promise<void> {
    const { path, stat } = await existing(asked, true)
    if (stat.type !== 'file' && stat.type !== 'directory') throw new FsError('not-supported', asked)
    overlay.put(path, restat(path, { ...stat, ...change }))
  }

  async function setXattr(asked: GuestPath, name: string, value: Uint8Array): Promise<void> {
    const { path, stat } = await existing(asked, false)
    const node = restat(path, stat)
    overlay.put(path, { ...node, xattrs: new Map([...node.xattrs, [name, value.slice()]]) })
  }

  const diff = (): Promise<TreeDiff> => diffTrees(base, overlay, sensitive)

  async function commit(): Promise<TreeDiff> {
    const changes = await diff()
    try {
      await commitDiff({ fs, base, mounts, diff: changes })
    } finally {
      base.forget()
    }
    overlay.reset()
    return changes
  }

  const staged: StagedFs = {
    ...createRootedView(overlay),
    writeFile: (path, content, options = {}) => exclusively(() => writeFile(path, content, options)),
    makeDirectories: (path, options = {}) => exclusively(() => makeDirectories(path, options)),
    symlink: (text, path, owner = {}) => exclusively(() => symlink(text, path, owner)),
    remove: (path) => exclusively(() => remove(path, false)),
    removeTree: (path, options = {}) => exclusively(() => remove(path, true, options.sensitive)),
    chmod: (path, mode) => exclusively(() => setMeta(path, { mode: mode & 0o7777 })),
    chown: (path, uid, gid) => exclusively(() => setMeta(path, { uid, gid })),
    setXattr: (path, name, value) => exclusively(() => setXattr(path, name, value)),
    diff: () => exclusively(diff),
    fingerprint: () => exclusively(async () => JSON.stringify(await diffTrees(base, overlay, sensitive, 'staged'))),
    commit: () => exclusively(commit),
    pathsToCommit: () => exclusively(async () => [...(await diff()).map(({ path }) => path), ...(await findStaleStaging(base, mounts))]),
  }
  return staged

  /** Refuses names that no file system takes, and ours. */
  function assertUsable(canonical: GuestPath, asked: GuestPath): void {
    const kind = misuse(canonical)
    if (kind !== undefined) throw new FsError(kind, asked)
  }

  function misuse(canonical: GuestPath): FsErrorKind | undefined {
    if (canonical.split('/').some((segment) => Buffer.byteLength(segment) > maxNameBytes)) return 'name-too-long'
    const reserved = mounts.some((mount) => `${canonical}/`.startsWith(`${childOf(mount, stagingName)}/`))
    return reserved ? 'invalid-path' : undefined
  }
}
