import { writeFile } from 'node:fs/promises'
import { execa } from 'execa'

/** A NoCloud data source as cloud-init finds it on a disk: a vfat file system labelled `CIDATA`. */
export async function createSeedImage(
  path: string,
  files: Readonly<Record<'user-data' | 'meta-data', string> & Partial<Record<'network-config', string>>>,
): Promise<string> {
  await writeFile(path, Buffer.alloc(1440 * 1024))
  await execa('mkfs.vfat', ['-n', 'CIDATA', path])
  for (const [name, content] of Object.entries(files)) await execa('mcopy', ['-i', path, '-', `::${name}`], { input: content })
  return path
}
