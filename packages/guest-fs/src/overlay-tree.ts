import { FsError, type RawStat } from '@host-deployer/driver-api'
import type { CanonicalTree } from './canonical-tree.ts'
import { childOf, type GuestPath, nameOf, parentOf } from './guest-path.ts'

/** An entry as it is staged. What it leaves out shows through from the base's entry of the same path. */
export interface StagedNode {
  /** Absent only for a directory of the base on the way to something staged. */
  readonly stat: RawStat | undefined
  /** A file's new bytes; absent: the base's. */
  readonly content?: Uint8Array
  /** A symlink's new text; absent: the base's. */
  readonly target?: string
  /** Set on top of the inherited ones. */
  readonly xattrs: ReadonlyMap<string, Uint8Array>
  /** A directory's staged entries. */
  readonly children: Map<string, StagedNode | 'removed'>
  /** Whether entries of the base's directory that are not in `children` are still there. */
  readonly showsBase: boolean
}

/** What the overlay knows of a path: a staged entry, that there is nothing, or to ask the base. */
export type Layer = StagedNode | 'removed' | 'base'

/** Base and staged changes as one tree, plus the means to change it. Changing is synchronous; the caller has checked what is there. */
export interface OverlayTree extends CanonicalTree {
  readonly root: StagedNode
  layer(path: GuestPath): Layer
  /** Puts an entry in place of whatever is there. Its parent must be a directory in the merged tree. */
  put(path: GuestPath, node: StagedNode): void
  /** Takes an entry away with everything below it. */
  takeAway(path: GuestPath): void
  reset(): void
}

const passage = (): StagedNode => ({ stat: undefined, xattrs: new Map(), children: new Map(), showsBase: true })

const segmentsOf = (path: GuestPath): string[] => path.split('/').filter((segment) => segment !== '')

export function createOverlayTree(base: CanonicalTree): OverlayTree {
  let root = passage()

  function layer(path: GuestPath): Layer {
    let node = root
    for (const segment of segmentsOf(path)) {
      const next = node.children.get(segment)
      if (next === undefined) return node.showsBase ? 'base' : 'removed'
      if (next === 'removed') return next
      node = next
    }
    return node
  }

  async function lstat(path: GuestPath): Promise<RawStat | undefined> {
    const found = layer(path)
    if (found === 'removed') return undefined
    return (found === 'base' ? undefined : found.stat) ?? base.lstat(path)
  }

  /** The staged parent of a path, made of passages where only the base has it. */
  function parentNode(path: GuestPath): StagedNode {
    let node = root
    for (const segment of segmentsOf(parentOf(path))) {
      const next = node.children.get(segment)
      const child = next === undefined || next === 'removed' ? passage() : next
      if (child !== next) node.children.set(segment, child)
      node = child
    }
    return node
  }

  return {
    get root() {
      return root
    },
    layer,
    lstat,
    put(path, node) {
      if (path === '/') root = node
      else parentNode(path).children.set(nameOf(path), node)
    },
    takeAway(path) {
      parentNode(path).children.set(nameOf(path), 'removed')
    },
    reset() {
      root = passage()
    },
    async readlink(path) {
      const found = layer(path)
      return (typeof found === 'object' ? found.target : undefined) ?? base.readlink(path)
    },
    async readdir(path) {
      const found = layer(path)
      if (found === 'base') return base.readdir(path)
      if (found === 'removed') throw new FsError('not-found', path)
      const merged = new Map(found.showsBase ? await base.readdir(path) : [])
      for (const [name, child] of found.children) {
        const stat = child === 'removed' ? undefined : (child.stat ?? (await base.lstat(childOf(path, name))))
        if (stat === undefined) merged.delete(name)
        else merged.set(name, stat)
      }
      return merged
    },
    async readFile(path, maxBytes) {
      const found = layer(path)
      const content = typeof found === 'object' ? found.content : undefined
      if (content === undefined) return base.readFile(path, maxBytes)
      if (content.byteLength > maxBytes) throw new FsError('too-large', path)
      return content
    },
    async getXattrs(paths) {
      const types = await Promise.all(paths.map(async (path) => ({ path, now: await lstat(path), before: await base.lstat(path) })))
      // A label goes by path and type: an entry that was removed and made again keeps what the old one had.
      const inheriting = types.filter(({ now, before }) => before !== undefined && now?.type === before.type).map(({ path }) => path)
      const inherited = new Map((await base.getXattrs(inheriting)).map((attributes, index) => [inheriting[index], attributes]))
      return paths.map((path) => {
        const found = layer(path)
        return new Map([...(inherited.get(path) ?? []), ...(typeof found === 'object' ? found.xattrs : [])])
      })
    },
  }
}
