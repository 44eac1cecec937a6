import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { ensureImage } from './build-image.ts'
import type { ImageName } from './image-definitions.ts'

/** A writable copy of an image for one test: an overlay (fast, exercises chains), a full qcow2, or raw. With a size, the disk is that large: room to grow. */
export async function copyImage(name: ImageName, directory: string, as: 'overlay' | 'qcow2' | 'raw', size?: '8G'): Promise<string> {
  const base = await ensureImage(name)
  await mkdir(directory, { recursive: true })
  const format = as === 'raw' ? 'raw' : 'qcow2'
  const path = join(directory, `${name}.${format}`)
  if (as === 'overlay') await execa('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', base, path])
  else if (as === 'raw') await execa('qemu-img', ['convert', '-O', 'raw', base, path])
  else await copyFile(base, path)
  if (size !== undefined) await execa('qemu-img', ['resize', '-q', '-f', format, path, size])
  return path
}
