import { FsError } from '@host-deployer/driver-api'
import { type GuestFs, type GuestPath, guestPath, joinGuestPath } from '@host-deployer/guest-fs'

/**
 * The files and links that match globs with `*` in their last segment; directories are left out. A directory that is absent has none.
 */
export async function matchingPaths(fs: GuestFs, globs: readonly string[]): Promise<GuestPath[]> {
  const paths: GuestPath[] = []
  for (const glob of globs) {
    const slash = glob.lastIndexOf('/')
    const directory = guestPath(glob.slice(0, slash) || '/')
    const pattern = globPattern(glob.slice(slash + 1))
    for (const name of await namesIn(fs, directory)) if (pattern.test(name)) paths.push(joinGuestPath(directory, name))
  }
  return [...new Set(paths)]
}

/** A name with `*` in it as a regular expression for whole names. */
export const globPattern = (glob: string) =>
  new RegExp(
    `^${glob
      .split('*')
      .map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, '\\$&'))
      .join('.*')}$`,
  )

async function namesIn(fs: GuestFs, directory: GuestPath): Promise<string[]> {
  try {
    return (await fs.readdir(directory)).filter(({ stat }) => stat.type !== 'directory').map(({ name }) => name)
  } catch (error) {
    if (FsError.is(error, 'not-found', 'not-a-directory')) return []
    throw error
  }
}
