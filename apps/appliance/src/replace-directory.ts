import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/**
 * Fills a new directory beside `directory` and puts it in its place: readers see the old one or the new one. What was there is removed.
 * When `fill` rejects, `directory` is as it was. A directory cannot be exchanged in one system call from here, so that for a moment between
 * two renames there is none; a reader that meets this moment gets `not found` and may try again.
 */
export async function replaceDirectory(directory: string, fill: (aside: string) => Promise<void>): Promise<void> {
  const parent = dirname(directory)
  await mkdir(parent, { recursive: true })
  const aside = await mkdtemp(join(parent, `.${basename(directory)}-`))
  try {
    const fresh = join(aside, 'new')
    await mkdir(fresh)
    await fill(fresh)
    const previous = join(aside, 'old')
    await rename(directory, previous).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
    try {
      await rename(fresh, directory)
    } catch (error) {
      await rename(previous, directory).catch(() => undefined)
      throw error
    }
  } finally {
    await rm(aside, { recursive: true, force: true })
  }
}
