import { joinToolPath, type RawFs, type ToolPath } from '@host-deployer/driver-api'
import type { CanonicalTree } from './canonical-tree.ts'
import { childOf, type GuestPath } from './guest-path.ts'
import { mapBounded } from './map-bounded.ts'

/** The directory at the root of each file system where a commit builds what it then moves into place. */
export const stagingName = '.host-deployer-stage'

const parallelism = 64
/** A guest may plant a tree so deep that the paths in it are too long to use; deeper directories are moved up first. */
const maxDepth = 16

/** The staging directories, or whatever goes by that name, that are in the guest before a commit. */
export async function findStaleStaging(base: CanonicalTree, mounts: readonly GuestPath[]): Promise<GuestPath[]> {
  const paths = mounts.map((mount) => childOf(mount, stagingName))
  const stats = await Promise.all(paths.map((path) => base.lstat(path)))
  return paths.filter((_, index) => stats[index] !== undefined)
}

/** Removes what is at `top` with everything below it, following nothing: the guest may have planted it. */
export async function removeStaging(fs: RawFs, top: ToolPath): Promise<void> {
  if ((await fs.lstat(top)).type !== 'directory') return fs.unlink(top)
  const taken = new Set((await fs.readdir(top)).map(({ name }) => name))
  const movedUp: ToolPath[] = []

  const moveUp = async (path: ToolPath): Promise<void> => {
    let index = movedUp.length
    while (taken.has(`deep-${index}`)) index++
    taken.add(`deep-${index}`)
    const to = joinToolPath(top, `deep-${index}`)
    movedUp.push(to)
    await fs.rename(path, to)
  }

  const empty = async (directory: ToolPath, depth: number): Promise<void> => {
    await mapBounded(await fs.readdir(directory), parallelism, async ({ name, stat }) => {
      const path = joinToolPath(directory, name)
      if (stat.type !== 'directory') return fs.unlink(path)
      if (depth >= maxDepth) return moveUp(path)
      await empty(path, depth + 1)
      return fs.rmdir(path)
    })
  }

  await empty(top, 0)
  for (let directory = movedUp.pop(); directory !== undefined; directory = movedUp.pop()) {
    await empty(directory, 1)
    await fs.rmdir(directory)
  }
  await fs.rmdir(top)
}
