import { FsError, type FsErrorKind } from '@host-deployer/driver-api'
import type { GuestPath } from './guest-path.ts'
import type { ManifestEntry, TreeManifest } from './tree-manifest.ts'

// The model is a plain tree that is changed at once: no overlay, no cache, and a lookup that is written as a recursion.

type Meta = { uid: number; gid: number; xattrs: Record<string, string> }
export type NaiveNode = Meta & ({ link: string } | { mode: number; content: string } | { mode: number; entries: Record<string, NaiveNode> })
type Spot = { path: string[]; node: NaiveNode | undefined; missing: number; asDirectory: boolean }

const refusal = (kind: FsErrorKind): FsError => new FsError(kind, '/')

/** `forFile`: as open(2) with `O_CREAT`, which refuses a slash at the end before it looks. */
function lookUp(root: NaiveNode, text: string, followLast: boolean, forFile = false): Spot {
  let links = 0
  const nodeAt = (path: readonly string[]): NaiveNode | undefined =>
    path.reduce<NaiveNode | undefined>((node, name) => (node !== undefined && 'entries' in node ? node.entries[name] : undefined), root)
  const go = (spot: Spot, [name, ...rest]: readonly string[]): Spot => {
    if (name === undefined) return spot
    if (spot.missing > 0) {
      if (name === '..' || name === '.') throw refusal('not-found')
      if (name === '') return go({ ...spot, asDirectory: true }, rest)
      return go({ path: [...spot.path, name], node: undefined, missing: spot.missing + 1, asDirectory: false }, rest)
    }
    if (spot.node === undefined || !('entries' in spot.node)) throw refusal('not-a-directory')
    if (name === '.' || name === '') return go(spot, rest)
    if (forFile && name !== '..' && rest.length === 1 && rest[0] === '') throw refusal('is-a-directory')
    const path = name === '..' ? spot.path.slice(0, -1) : [...spot.path, name]
    const node = nodeAt(path)
    if (node !== undefined && 'link' in node && (followLast || rest.length > 0)) {
      if (++links > 40) throw refusal('symlink-loop')
      return go(start(node.link, spot), [...names(node.link), ...rest])
    }
    return go({ path, node, missing: node === undefined ? 1 : 0, asDirectory: false }, rest)
  }
  const top: Spot = { path: [], node: root, missing: 0, asDirectory: false }
  const start = (target: string, from: Spot) => (target.startsWith('/') ? top : from)
  return go(top, names(text))
}

const names = (text: string): string[] => [
  ...text.split('/').filter((name) => name !== ''),
  ...(text.length > 1 && text.endsWith('/') ? [''] : []),
]

export type Step =
  | { do: 'writeFile'; path: GuestPath; content: string; mode?: number; uid?: number; replaceSymlink: boolean }
  | { do: 'makeDirectories'; path: GuestPath; mode: number }
  | { do: 'symlink'; path: GuestPath; target: string }
  | { do: 'remove' | 'removeTree'; path: GuestPath }
  | { do: 'chmod'; path: GuestPath; mode: number }
  | { do: 'chown'; path: GuestPath; uid: number }
  | { do: 'setXattr'; path: GuestPath; value: string }

function lookUpIfThere(root: NaiveNode, path: string): Pick<Spot, 'path' | 'node'> {
  try {
    return lookUp(root, path, false)
  } catch (error) {
    if (FsError.is(error, 'not-found', 'not-a-directory')) return { path: [], node: undefined }
    throw error
  }
}

/** `labels`: what the base has by path and type; an entry made anew there inherits it. */
export function applyToNaiveTree(root: NaiveNode, labels: ReadonlyMap<string, Record<string, string>>, step: Step): void {
  const parentOf = (path: readonly string[]): Record<string, NaiveNode> => {
    const { node } = lookUp(root, `/${path.slice(0, -1).join('/')}`, true)
    if (node === undefined || !('entries' in node)) throw refusal('not-found')
    return node.entries
  }
  const label = (path: readonly string[], type: string) => ({ ...labels.get(`${type} /${path.join('/')}`) })
  const spotFor = (follow: boolean): Spot => {
    const spot = lookUp(root, step.path, follow, step.do === 'writeFile')
    if (spot.missing > 1) throw refusal('not-found')
    return spot
  }
  const present = (follow: boolean): NaiveNode => {
    const { node } = spotFor(follow)
    if (node === undefined) throw refusal('not-found')
    return node
  }

  switch (step.do) {
    case 'writeFile': {
      const { path, node, asDirectory } = spotFor(!step.replaceSymlink)
      if (asDirectory || (node !== undefined && 'entries' in node)) throw refusal('is-a-directory')
      const old = node !== undefined && 'content' in node ? node : { mode: 0o644, uid: 0, gid: 0, xattrs: label(path, 'file') }
      parentOf(path)[path.at(-1) ?? ''] = { ...old, content: step.content, mode: step.mode ?? old.mode, uid: step.uid ?? old.uid }
      return
    }
    case 'makeDirectories': {
      const { path, node, missing } = lookUp(root, step.path, true)
      if (node !== undefined && !('entries' in node)) throw refusal('not-a-directory')
      for (let length = path.length - missing + 1; length <= path.length; length++) {
        const made = path.slice(0, length)
        parentOf(made)[made.at(-1) ?? ''] = { mode: step.mode, uid: 0, gid: 0, xattrs: label(made, 'directory'), entries: {} }
      }
      return
    }
    case 'symlink': {
      const { path, node } = spotFor(false)
      if (node !== undefined && 'entries' in node) throw refusal('is-a-directory')
      const old = node !== undefined && 'link' in node ? node : { uid: 0, gid: 0, xattrs: label(path, 'symlink') }
      parentOf(path)[path.at(-1) ?? ''] = { ...old, link: step.target }
      return
    }
    case 'remove':
    case 'removeTree': {
      const { path, node } = lookUpIfThere(root, step.path)
      if (node === undefined) return
      if (path.length === 0) throw refusal('invalid-path')
      if (step.do === 'remove' && 'entries' in node && Object.keys(node.entries).length > 0) throw refusal('not-empty')
      delete parentOf(path)[path.at(-1) ?? '']
      return
    }
    case 'chmod': {
      const node = present(true)
      if (!('link' in node)) node.mode = step.mode
      return
    }
    case 'chown':
      Object.assign(present(true), { uid: step.uid, gid: step.uid })
      return
    case 'setXattr':
      present(false).xattrs['user.x'] = step.value
  }
}

/** As `snapshotTree` would give it. */
export function toManifest(node: NaiveNode, path = '', into: Record<string, ManifestEntry> = {}): TreeManifest {
  const { uid, gid, xattrs } = node
  const meta = { uid, gid, ...(Object.keys(xattrs).length > 0 ? { xattrs } : {}) }
  if ('link' in node) into[path] = { link: node.link, ...meta }
  else if ('content' in node) into[path] = { content: node.content, mode: node.mode, ...meta }
  else {
    into[path || '/'] = { directory: true, mode: node.mode, ...meta }
    for (const [name, child] of Object.entries(node.entries)) toManifest(child, `${path}/${name}`, into)
  }
  return into
}
