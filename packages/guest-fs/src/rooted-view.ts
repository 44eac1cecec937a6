import { FsError, type FsErrorKind, type RawStat } from '@host-deployer/driver-api'
import type { CanonicalTree } from './canonical-tree.ts'
import type { GuestFs } from './guest-fs.ts'
import type { GuestPath } from './guest-path.ts'
import { mapBounded } from './map-bounded.ts'
import { walk } from './walk.ts'

const defaultMaxBytes = 4 * 1024 * 1024
const prefetchParallelism = 64

interface Existing {
  readonly path: GuestPath
  readonly stat: RawStat
}

/** Puts the guest's own view, symlinks and all, on top of a canonical tree. */
export function createRootedView(tree: CanonicalTree): GuestFs {
  async function locate(path: GuestPath, followLast: boolean): Promise<Existing> {
    const place = await walk(tree, path, followLast)
    if (place.stat === undefined) throw new FsError('not-found', path)
    return { path: place.path, stat: place.stat }
  }

  async function locateType(path: GuestPath, followLast: boolean, type: RawStat['type'], otherwise: FsErrorKind): Promise<Existing> {
    const existing = await locate(path, followLast)
    if (existing.stat.type !== type) throw new FsError(otherwise, path)
    return existing
  }

  const view: GuestFs = {
    async resolve(path, { followLast = true } = {}) {
      return (await walk(tree, path, followLast)).path
    },
    lstat: async (path) => (await locate(path, false)).stat,
    stat: async (path) => (await locate(path, true)).stat,
    exists: async (path) => (await orAbsent(view.stat(path))) !== undefined,
    readlink: async (path) => tree.readlink((await locateType(path, false, 'symlink', 'not-a-symlink')).path),
    async readdir(path) {
      const directory = await locateType(path, true, 'directory', 'not-a-directory')
      const entries = [...(await tree.readdir(directory.path))].map(([name, stat]) => ({ name, stat }))
      return entries.sort((left, right) => (left.name < right.name ? -1 : 1))
    },
    async readFile(path, { maxBytes = defaultMaxBytes } = {}) {
      const file = await locateType(path, true, 'file', 'not-a-file')
      return (await tree.readFile(file.path, maxBytes)).slice()
    },
    async readText(path, options) {
      const bytes = await view.readFile(path, options)
      try {
        // A byte order mark stays in the text, so that writing the text back keeps it.
        return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
      } catch (cause) {
        throw new FsError('not-supported', path, `Not valid UTF-8: ${JSON.stringify(path)}`, { cause })
      }
    },
    readTextIfExists: (path, options) => orAbsent(view.readText(path, options)),
    async getXattrs(path) {
      const [attributes] = await tree.getXattrs([(await locate(path, false)).path])
      return attributes ?? new Map()
    },
    async prefetch({ directories = [], files = [] }) {
      const wanted = [
        ...directories.map((path) => () => view.readdir(path) as Promise<unknown>),
        ...files.map((path) => () => view.readFile(path) as Promise<unknown>),
      ]
      await mapBounded(wanted, prefetchParallelism, (fetch) => fetch().catch(() => undefined))
    },
  }
  return view
}

async function orAbsent<Result>(lookup: Promise<Result>): Promise<Result | undefined> {
  try {
    return await lookup
  } catch (error) {
    if (FsError.is(error, 'not-found', 'not-a-directory')) return undefined
    throw error
  }
}
