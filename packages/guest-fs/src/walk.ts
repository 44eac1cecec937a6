import { FsError, type RawStat } from '@host-deployer/driver-api'
import type { CanonicalTree } from './canonical-tree.ts'
import { childOf, type GuestPath, parentOf } from './guest-path.ts'

/** Linux's MAXSYMLINKS: this many are followed, the next one is too many. */
const maxLinks = 40
/** NAME_MAX of every file system that matters, in bytes. */
export const maxNameBytes = 255

export interface Place {
  /** Canonical. Its last {@link missing} segments do not exist. */
  readonly path: GuestPath
  readonly stat: RawStat | undefined
  /** 0 when something is there, 1 when only the last segment is absent. */
  readonly missing: number
}

/** A slash at the end of a symlink's text: what is before it has to be a directory. Differs from `.` where nothing is there yet. */
const trailingSlash = ''

function segmentsOfTarget(target: string): string[] {
  const segments = target.split('/').filter((segment) => segment !== '')
  return target.endsWith('/') ? [...segments, trailingSlash] : segments
}

/**
 * path_resolution(7) after a `chroot` to the tree's root, with root's permissions. Rejects with `not-a-directory`, `symlink-loop`,
 * `name-too-long`, and `not-found` for `.` and `..` below something absent; the error carries the path that was asked for. As open(2) with `O_CREAT`,
 * `is-a-directory` with `forFile` where a link's text ends in a slash, before it is looked at what is there.
 */
export async function walk(tree: CanonicalTree, asked: GuestPath, followLast: boolean, forFile = false): Promise<Place> {
  const todo = asked
    .split('/')
    .filter((segment) => segment !== '')
    .reverse()
  const root = '/' as GuestPath
  let [path, stat, missing, links] = [root, await tree.lstat(root), 0, 0]
  for (let segment = todo.pop(); segment !== undefined; segment = todo.pop()) {
    if (missing > 0) {
      if (segment === '..' || segment === '.') throw new FsError('not-found', asked)
      if (segment === trailingSlash) continue
      path = childOf(path, segment)
      missing++
      continue
    }
    if (stat?.type !== 'directory') throw new FsError('not-a-directory', asked)
    if (segment === '.' || segment === trailingSlash) continue
    if (segment === '..') {
      path = parentOf(path)
      stat = await tree.lstat(path)
      continue
    }
    if (forFile && todo.length === 1 && todo[0] === trailingSlash) throw new FsError('is-a-directory', asked)
    if (Buffer.byteLength(segment) > maxNameBytes) throw new FsError('name-too-long', asked)
    const next = childOf(path, segment)
    const nextStat = await tree.lstat(next)
    if (nextStat?.type === 'symlink' && (followLast || todo.length > 0)) {
      if (++links > maxLinks) throw new FsError('symlink-loop', asked)
      const target = await tree.readlink(next)
      if (target === '') throw new FsError('not-found', asked)
      if (target.startsWith('/')) [path, stat] = [root, await tree.lstat(root)]
      todo.push(...segmentsOfTarget(target).reverse())
      continue
    }
    ;[path, stat, missing] = [next, nextStat, nextStat === undefined ? 1 : 0]
  }
  return { path, stat, missing }
}
