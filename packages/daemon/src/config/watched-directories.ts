import { lstat, readlink } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'

const maxLinks = 40

/**
 * The directories in which something must happen before `path` leads to another file: the one it lies in, and each that holds a symlink on the way. Of
 * what does not exist yet the nearest directory that does. A ConfigMap is swapped by renaming the symlink `..data` in the directory of the file.
 */
export async function watchedDirectories(path: string): Promise<ReadonlySet<string>> {
  const directories = new Set<string>()
  const segments = path.split('/').filter((segment) => segment !== '')
  let at = '/'
  let links = 0
  for (let segment = segments.shift(); segment !== undefined; segment = segments.shift()) {
    if (segment === '.') continue
    if (segment === '..') {
      at = dirname(at)
      continue
    }
    const next = join(at, segment)
    const kind = await kindOf(next)
    if (kind === 'absent' || segments.length === 0 || kind === 'link') directories.add(at)
    if (kind === 'absent') break
    if (kind !== 'link') {
      at = next
      continue
    }
    links += 1
    if (links > maxLinks) break
    const target = await readlink(next).catch(() => '')
    segments.unshift(...target.split('/').filter((part) => part !== ''))
    if (isAbsolute(target)) at = '/'
  }
  return directories
}

async function kindOf(path: string): Promise<'absent' | 'link' | 'other'> {
  try {
    return (await lstat(path)).isSymbolicLink() ? 'link' : 'other'
  } catch {
    return 'absent'
  }
}
