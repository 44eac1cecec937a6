import { copyFile, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Copies the overlays of scratch disks into `directory`, as `<disk id>.overlay.qcow2`. They have no name any more: the descriptors of the
 * QEMU that writes them are the last way to them.
 */
export async function keepOverlays(pid: number, directory: string): Promise<void> {
  const descriptors = `/proc/${pid}/fd`
  for (const number of await readdir(descriptors)) {
    const path = join(descriptors, number)
    const id = /\/scratch-([a-z0-9-]+) \(deleted\)$/.exec(await readlink(path).catch(() => ''))?.[1]
    if (id !== undefined) await copyFile(path, join(directory, `${id}.overlay.qcow2`))
  }
}
