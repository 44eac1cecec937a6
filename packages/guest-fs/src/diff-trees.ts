import { createHash } from 'node:crypto'
import type { RawStat } from '@host-deployer/driver-api'
import type { CanonicalTree } from './canonical-tree.ts'
import type { DiffEntry, NodeState, TreeDiff } from './guest-fs.ts'
import { childOf, type GuestPath } from './guest-path.ts'
import { mapBounded } from './map-bounded.ts'
import type { OverlayTree, StagedNode } from './overlay-tree.ts'
import type { SensitivePaths } from './sensitive-paths.ts'

const parallelReads = 64
/** A removed file's or a replaced big one's bytes are only read for showing them; beyond this nobody looks. */
const shownBytes = 1024 * 1024

/** A path that the overlay touched, with what both sides have there. */
interface Touched {
  readonly path: GuestPath
  readonly before: RawStat | undefined
  readonly after: RawStat | undefined
  readonly node: StagedNode | undefined
}

/** Asking for attributes costs a command over some transports. `staged`: only the staged ones that differ from the base's are in the diff. */
export type AttributesShown = 'all' | 'staged'

/** What differs between the base and the overlay on top of it, sorted by path, nothing that is the same on both sides. */
export async function diffTrees(
  base: CanonicalTree,
  overlay: OverlayTree,
  sensitive: SensitivePaths,
  attributes: AttributesShown = 'all',
): Promise<TreeDiff> {
  const touched = await collectTouched(base, overlay.root)
  const compared = await mapBounded(touched, parallelReads, (item) => compare(base, item, sensitive))
  const changed = compared.filter((item) => item !== undefined)

  const existing = changed
    .filter(({ before, node }) => before !== undefined && (attributes === 'all' || node?.xattrs.size))
    .map(({ path }) => path)
  const xattrsBefore = new Map((await base.getXattrs(existing)).map((found, index) => [existing[index], found]))

  const entries: DiffEntry[] = []
  for (const { path, before, after, node, sides, differs } of changed) {
    const old = xattrsBefore.get(path) ?? new Map()
    const inherited = before?.type === after?.type ? old : new Map()
    const current = new Map([...inherited, ...(node?.xattrs ?? [])])
    if (!differs && sameXattrs(old, current)) continue
    const [oldShown, currentShown] = attributes === 'all' ? [old, current] : [new Map(), without(current, inherited)]
    const content = { ...optional('before', sides.before?.content), ...optional('after', sides.after?.content) }
    const entry: DiffEntry = {
      path,
      kind: before === undefined ? 'added' : after === undefined ? 'removed' : 'changed',
      ...optional('before', before && describe(before, sides.before, oldShown)),
      ...optional('after', after && describe(after, sides.after, currentShown)),
      sensitive: sensitive.has(path) || (sides.before?.content !== undefined && isPrivate(before)),
    }
    // Not enumerable: content never gets into JSON or a log by accident.
    if (Object.keys(content).length > 0) Object.defineProperty(entry, 'content', { value: content })
    entries.push(entry)
  }
  return entries.sort((left, right) => (left.path < right.path ? -1 : 1))
}

/** What the guest keeps from its other users (host keys, accounts) is not shown to ours, whether or not the operation thought of it. */
const isPrivate = (stat: RawStat | undefined): boolean => stat !== undefined && (stat.mode & 0o004) === 0

async function collectTouched(base: CanonicalTree, root: StagedNode): Promise<Touched[]> {
  const touched: Touched[] = []
  const visit = async (path: GuestPath, layer: StagedNode | 'removed'): Promise<void> => {
    const node = layer === 'removed' ? undefined : layer
    const before = await base.lstat(path)
    const after = node === undefined ? undefined : (node.stat ?? before)
    if (before === undefined && after === undefined) return
    if (node?.stat !== undefined || node === undefined) touched.push({ path, before, after, node })
    const staged = new Map(after?.type === 'directory' ? node?.children : [])
    const gone = before?.type === 'directory' && !(after?.type === 'directory' && node?.showsBase === true)
    if (gone) for (const name of (await base.readdir(path)).keys()) if (!staged.has(name)) staged.set(name, 'removed')
    await mapBounded([...staged], parallelReads, ([name, child]) => visit(childOf(path, name), child))
  }
  await visit('/' as GuestPath, root)
  return touched
}

interface Side {
  readonly content?: Uint8Array
  readonly target?: string
}

interface Compared extends Touched {
  readonly sides: { readonly before?: Side; readonly after?: Side }
  /** False: only attributes may differ. */
  readonly differs: boolean
}

/** Reads what is needed to compare and to show; `undefined` when nothing can differ. */
async function compare(base: CanonicalTree, item: Touched, sensitive: SensitivePaths): Promise<Compared | undefined> {
  const { path, before, after, node } = item
  const sameType = before !== undefined && before.type === after?.type
  const sameMeta =
    sameType && before.uid === after.uid && before.gid === after.gid && (before.type === 'symlink' || before.mode === after.mode)

  if (sameType && before.type === 'file') {
    const content = node?.content
    if (content !== undefined) {
      const readable = before.sizeBytes === content.byteLength || before.sizeBytes <= shownBytes
      const old = readable ? await base.readFile(path, before.sizeBytes) : undefined
      if (old === undefined || Buffer.compare(old, content) !== 0) {
        return { ...item, sides: { before: optional('content', old), after: { content } }, differs: true }
      }
    }
  } else if (sameType && before.type === 'symlink') {
    const old = await base.readlink(path)
    const target = node?.target ?? old
    if (target !== old || !sameMeta) return { ...item, sides: { before: { target: old }, after: { target } }, differs: true }
    if (node?.xattrs.size) return { ...item, sides: { before: { target: old }, after: { target } }, differs: false }
  } else if (!sameType) {
    const { content, target } = node ?? {}
    const side = before === undefined ? undefined : await show(base, path, before, sensitive)
    return {
      ...item,
      sides: { ...optional('before', side), after: { ...optional('content', content), ...optional('target', target) } },
      differs: true,
    }
  }
  if (!sameMeta) return { ...item, sides: {}, differs: true }
  return node?.xattrs.size ? { ...item, sides: {}, differs: false } : undefined
}

async function show(base: CanonicalTree, path: GuestPath, stat: RawStat, sensitive: SensitivePaths): Promise<Side> {
  if (stat.type === 'symlink') return { target: await base.readlink(path) }
  if (sensitive.isInTree(path) || stat.type !== 'file' || stat.sizeBytes > shownBytes) return {}
  return { content: await base.readFile(path, stat.sizeBytes) }
}

function describe(stat: RawStat, side: Side | undefined, xattrs: ReadonlyMap<string, Uint8Array>): NodeState {
  const { type, mode, uid, gid } = stat
  const encoded = [...xattrs].sort().map(([name, value]) => [name, Buffer.from(value).toString('base64')] as const)
  return {
    type,
    mode,
    uid,
    gid,
    ...(type === 'file' ? { sizeBytes: stat.sizeBytes } : {}),
    ...optional('sha256', side?.content && createHash('sha256').update(side.content).digest('hex')),
    ...optional('target', side?.target),
    ...(encoded.length > 0 ? { xattrs: Object.fromEntries(encoded) } : {}),
  }
}

type Xattrs = ReadonlyMap<string, Uint8Array>

const without = (all: Xattrs, known: Xattrs): Xattrs =>
  new Map([...all].filter(([name, value]) => !known.has(name) || Buffer.compare(value, known.get(name) ?? value) !== 0))

function sameXattrs(left: Xattrs, right: Xattrs): boolean {
  return (
    left.size === right.size &&
    [...left].every(([name, value]) => Buffer.compare(value, right.get(name) ?? new Uint8Array()) === 0 && right.has(name))
  )
}

function optional<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return (value === undefined ? {} : { [key]: value }) as { [K in Key]?: Value }
}
