import { FsError, joinToolPath, type RawFs, type RawStat, type ToolPath } from '@host-deployer/driver-api'
import type { CanonicalTree } from './canonical-tree.ts'
import { type GuestPath, nameOf, parentOf } from './guest-path.ts'
import { nameGuestPath } from './name-guest-path.ts'

const cachedFileBytes = 256 * 1024
const cachedTotalBytes = 32 * 1024 * 1024

/** The mounted guest as a {@link CanonicalTree} that remembers what it was told. */
export interface MountedTree extends CanonicalTree {
  /** The place of a guest path on the tool host. The path must be canonical, its directories looked up here or made by the caller. */
  toolPathOf(path: GuestPath): ToolPath
  /** Forgets everything: the tree was written. */
  forget(): void
}

/**
 * **The only code that joins the mount point and a guest path.** A path is handed to `fs` only after each of its directories has been seen to be
 * a real directory, so no symlink of the guest is ever followed by the tool host's kernel.
 *
 * Lookups are cached without end and identical ones share a request: nobody else writes the tree while the driver holds the image's lock.
 */
export function createMountedTree(fs: RawFs, root: ToolPath): MountedTree {
  const stats = new Map<GuestPath, Promise<RawStat | undefined>>()
  const listings = new Map<GuestPath, Promise<ReadonlyMap<string, RawStat>>>()
  const links = new Map<GuestPath, Promise<string>>()
  const contents = new Map<GuestPath, Promise<Uint8Array>>()
  const attributes = new Map<GuestPath, ReadonlyMap<string, Uint8Array>>()
  let contentBytes = 0

  const toolPathOf = (path: GuestPath): ToolPath => (path === '/' ? root : joinToolPath(root, path.slice(1)))

  const ask = <Result>(path: GuestPath, request: (path: ToolPath) => Promise<Result>): Promise<Result> =>
    nameGuestPath(path, request(toolPathOf(path)))

  function remember<Result>(cache: Map<GuestPath, Promise<Result>>, path: GuestPath, load: () => Promise<Result>): Promise<Result> {
    const known = cache.get(path)
    if (known !== undefined) return known
    const loading = load()
    cache.set(path, loading)
    loading.catch(() => cache.get(path) === loading && cache.delete(path))
    return loading
  }

  async function loadStat(path: GuestPath): Promise<RawStat | undefined> {
    if (path === '/') return ask(path, (at) => fs.lstat(at))
    const parent = parentOf(path)
    if ((await lstat(parent))?.type !== 'directory') return undefined
    const listing = await listings.get(parent)?.catch(() => undefined)
    if (listing !== undefined) return listing.get(nameOf(path))
    try {
      return await ask(path, (at) => fs.lstat(at))
    } catch (error) {
      if (FsError.is(error, 'not-found')) return undefined
      throw error
    }
  }

  const lstat = (path: GuestPath): Promise<RawStat | undefined> => remember(stats, path, () => loadStat(path))

  async function require(path: GuestPath, type: RawStat['type'], otherwise: 'not-a-symlink' | 'not-a-directory' | 'not-a-file') {
    const stat = await lstat(path)
    if (stat === undefined) throw new FsError('not-found', path)
    if (stat.type !== type) throw new FsError(otherwise, path)
    return stat
  }

  return {
    toolPathOf,
    lstat,
    async readlink(path) {
      await require(path, 'symlink', 'not-a-symlink')
      return remember(links, path, () => ask(path, (at) => fs.readlink(at)))
    },
    async readdir(path) {
      await require(path, 'directory', 'not-a-directory')
      return remember(listings, path, async () => {
        const entries = await ask(path, (at) => fs.readdir(at))
        return new Map(entries.map((entry) => [entry.name, entry.stat]))
      })
    },
    async readFile(path, maxBytes) {
      const { sizeBytes } = await require(path, 'file', 'not-a-file')
      if (sizeBytes > maxBytes) throw new FsError('too-large', path)
      const load = () => ask(path, (at) => fs.readFile(at, { maxBytes }))
      if (sizeBytes > cachedFileBytes || contentBytes + sizeBytes > cachedTotalBytes) return contents.get(path) ?? load()
      if (!contents.has(path)) contentBytes += sizeBytes
      return remember(contents, path, load)
    },
    async getXattrs(paths) {
      for (const path of paths) if ((await lstat(path)) === undefined) throw new FsError('not-found', path)
      const unknown = [...new Set(paths.filter((path) => !attributes.has(path)))]
      const [first] = unknown
      if (first !== undefined) {
        const answers = await ask(first, () => fs.getXattrs(unknown.map(toolPathOf)))
        for (const [index, path] of unknown.entries()) attributes.set(path, answers[index] ?? new Map())
      }
      return paths.map((path) => attributes.get(path) ?? new Map())
    },
    forget() {
      for (const cache of [stats, listings, links, contents, attributes]) cache.clear()
      contentBytes = 0
    },
  }
}
