import {
  chmodSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TreeManifest } from '@host-deployer/guest-fs'

/** A tree on this machine, for tools that want real files. Needs root: owners are set. */
export interface RealDirectory extends Disposable {
  readonly path: string
  /** `mode uid:gid text` of everything below a path of the tree, by path; for a directory `mode uid:gid /`. */
  describe(path: string): Readonly<Record<string, string>>
  read(path: string): string
}

/** Writes the entries of a tree whose paths `include` takes into a new temporary directory. */
export function createRealDirectory(tree: TreeManifest, include: (path: string) => boolean = () => true): RealDirectory {
  const root = mkdtempSync(join(tmpdir(), 'host-deployer-test-'))
  for (const path of Object.keys(tree).filter(include).sort()) {
    const entry = tree[path]
    const target = join(root, path)
    if (entry === undefined || path === '/') continue
    mkdirSync(join(target, '..'), { recursive: true })
    if ('content' in entry) writeFileSync(target, entry.content)
    else if ('link' in entry) symlinkSync(entry.link, target)
    else if ('directory' in entry) mkdirSync(target, { recursive: true })
    lchownSync(target, entry.uid ?? 0, entry.gid ?? 0)
    if (!('link' in entry)) chmodSync(target, entry.mode ?? ('directory' in entry ? 0o755 : 0o644))
  }
  const describe = (path: string): Record<string, string> => {
    const found: Record<string, string> = {}
    for (const name of readdirSync(join(root, path))) {
      const below = join(path, name)
      const stat = lstatSync(join(root, below))
      const access = `${(stat.mode & 0o7777).toString(8)} ${stat.uid}:${stat.gid}`
      if (stat.isDirectory()) Object.assign(found, { [below]: `${access} /` }, describe(below))
      else found[below] = `${access} ${stat.isSymbolicLink() ? readlinkSync(join(root, below)) : readFileSync(join(root, below), 'utf8')}`
    }
    return found
  }
  return {
    path: root,
    describe,
    read: (path) => readFileSync(join(root, path), 'utf8'),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  }
}
