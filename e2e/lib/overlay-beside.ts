import { constants, copyFile, link, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { ensureImage } from './build-image.ts'
import type { ImageName } from './image-definitions.ts'

/**
 * An overlay on an image that lies in the same directory, for a daemon: it opens no image in its cache, where the tests' images are. The base is a link to
 * the cached one where there can be one, so it must not be written.
 */
export async function overlayBeside(name: ImageName, directory: string, size?: '8G'): Promise<string> {
  const cached = await ensureImage(name)
  await mkdir(directory, { recursive: true })
  const base = join(directory, `${name}-base.qcow2`)
  await link(cached, base).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EXDEV' && error.code !== 'EPERM') throw error
    return copyFile(cached, base, constants.COPYFILE_FICLONE)
  })
  const path = join(directory, `${name}.qcow2`)
  await execa('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', base, path, ...(size === undefined ? [] : [size])])
  return path
}
