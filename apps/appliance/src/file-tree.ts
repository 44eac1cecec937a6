import { lstat, readFile, readlink } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import type { CpioEntry } from '@host-deployer/driver-qemu-initramfs/cpio'
import { parseElf } from './elf.ts'

/** A file system to be: entries by path without leading `/`. */
export type FileTree = Map<string, CpioEntry>

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

export function addFile(tree: FileTree, path: string, content: Uint8Array | string, mode: number): void {
  tree.set(path, { type: 'file', path, mode, content: typeof content === 'string' ? Buffer.from(content) : content })
}

export function addSymlink(tree: FileTree, path: string, target: string): void {
  tree.set(path, { type: 'symlink', path, mode: 0o777, target })
}

export function addDirectory(tree: FileTree, path: string, mode = 0o755): void {
  tree.set(path, { type: 'directory', path, mode })
}

export function addCharacterDevice(tree: FileTree, path: string, major: number, minor: number): void {
  tree.set(path, { type: 'character-device', path, mode: 0o600, major, minor })
}

/** The entries in an order that depends on the paths only, every parent directory before its children. */
export function sortedEntries(tree: FileTree): CpioEntry[] {
  const all = new Map(tree)
  for (const path of tree.keys()) {
    for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) {
      if (!all.has(parent)) all.set(parent, { type: 'directory', path: parent, mode: 0o755 })
    }
  }
  return [...all.values()].sort((a, b) => compare(a.path, b.path))
}

/**
 * Copies a file of the extracted packages to the same path of the tree; symlinks are copied with what they point to.
 * Resolves with the path of the file at the end, or `undefined` when there is none.
 */
export async function copyFromPackages(tree: FileTree, root: string, path: string, destination = path): Promise<string | undefined> {
  const stats = await lstat(join(root, path)).catch(() => undefined)
  if (stats === undefined) return undefined
  if (stats.isSymbolicLink()) {
    const target = await readlink(join(root, path))
    addSymlink(tree, destination, target)
    // A link out of a merged /usr may still say /lib.
    const next = normalize(target.startsWith('/') ? target.slice(1) : join(dirname(path), target)).replace(
      /^(bin|sbin|lib|lib64)\//,
      'usr/$1/',
    )
    return tree.has(next) ? next : copyFromPackages(tree, root, next)
  }
  if (!stats.isFile()) return undefined
  addFile(tree, destination, await readFile(join(root, path)), (stats.mode & 0o111) === 0 ? 0o644 : 0o755)
  return destination
}

/** Adds every shared library the programs of the tree are linked with, directly or not. Throws `Error` naming what is missing. */
export async function addSharedLibraries(tree: FileTree, root: string, libraryDirectories: readonly string[]): Promise<void> {
  const queue = [...tree.values()]
  for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) {
    if (entry.type !== 'file' || entry.path.endsWith('.ko')) continue
    const elf = parseElf(entry.content)
    if (elf === undefined) continue
    const wanted = elf.needed.map((name) => libraryDirectories.map((directory) => `${directory}/${name}`))
    if (elf.interpreter !== undefined) wanted.push([`usr${elf.interpreter.replace(/^\/usr\//, '/')}`])
    for (const candidates of wanted) {
      if (candidates.some((candidate) => tree.has(candidate))) continue
      let copied: string | undefined
      for (const candidate of candidates) copied ??= await copyFromPackages(tree, root, candidate)
      const library = copied === undefined ? undefined : tree.get(copied)
      if (library === undefined) throw new Error(`no package has ${candidates[0]}, which ${entry.path} is linked with`)
      queue.push(library)
    }
  }
}
