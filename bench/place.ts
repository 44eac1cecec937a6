import { constants } from 'node:fs'
import { copyFile, mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureImage } from '@host-deployer/e2e/lib/build-image'
import { metaData, networkConfig, userData } from '@host-deployer/e2e/lib/scenario'
import { createKeyPair, createWorkspace, type KeyPair } from '@host-deployer/e2e/lib/workspace'
import { execa } from 'execa'

/** Where the benchmarks work, and what they work on. */
export interface Place {
  /** The Debian 12 image of the demo; nobody writes to it. */
  readonly image: string
  readonly directory: string
  /** A NoCloud seed: the demo's cloud-config. */
  readonly seed: string
  /** The same but for growing the root. A direct mount can do that only where root has CAP_SYS_RESOURCE, which containers take away: EXT4_IOC_RESIZE_FS. */
  readonly seedWithoutGrow: string
  readonly key: KeyPair
  /** A whole copy of the image under this name, in place of the last one, of which nothing is left to be written to the disk: that would be part of somebody's sync. */
  copy(name: string): Promise<string>
  /** A layer over the image; takes no time to make. The command needs `--allow-path` of {@link image}'s directory. */
  overlay(name: string): Promise<string>
  remove(): Promise<void>
}

export async function preparePlace(log: (line: string) => void): Promise<Place> {
  const image = await ensureImage('debian-12', log)
  const space = await createWorkspace('bench')
  const key = createKeyPair('bench')
  const whole = userData(key)
  const seeds = { seed: whole, seedWithoutGrow: whole.replace(/^growpart:[\s\S]*?^resize_rootfs: true\n/m, '') } as const
  if (seeds.seedWithoutGrow === whole) throw new TypeError("the demo's cloud-config does not grow the root any more")
  for (const [name, content] of Object.entries(seeds)) {
    await mkdir(space.path(name))
    await space.write(`${name}/user-data`, content)
    await space.write(`${name}/meta-data`, metaData)
    await space.write(`${name}/network-config`, networkConfig)
  }
  return {
    image,
    key,
    directory: space.directory,
    seed: space.path('seed'),
    seedWithoutGrow: space.path('seedWithoutGrow'),
    async copy(name) {
      const path = join(space.directory, `${name}.qcow2`)
      await rm(path, { force: true })
      await copyFile(image, path, constants.COPYFILE_FICLONE)
      const file = await open(path, 'r+')
      await file.sync().finally(() => file.close())
      return path
    },
    async overlay(name) {
      const path = join(space.directory, `${name}.qcow2`)
      await rm(path, { force: true })
      await execa('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', image, path])
      return path
    },
    remove: () => space.remove(),
  }
}
