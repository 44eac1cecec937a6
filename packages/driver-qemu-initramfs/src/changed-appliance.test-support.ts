// An appliance that is not as it should be.
import { createHash } from 'node:crypto'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { applianceUnderTest } from './appliance.test-support.ts'
import type { ApplianceManifest } from './appliance-manifest.ts'
import { writeCpio } from './cpio.ts'

/** The appliance in a new directory, with an archive over its initramfs in which some files are others; `KERNEL` in a name is the kernel's version. */
export async function applianceWith(directory: string, files: Readonly<Record<string, string>>): Promise<string> {
  await cp(applianceUnderTest, directory, { recursive: true })
  const path = join(directory, 'manifest.json')
  const manifest = JSON.parse(await readFile(path, 'utf8')) as ApplianceManifest
  const entries = Object.entries(files).map(([name, text]) => {
    const entry = { path: name.replace('KERNEL', manifest.kernelVersion), mode: 0o755, type: 'file', content: Buffer.from(text) } as const
    return entry
  })
  const initramfs = Buffer.concat([await readFile(join(directory, 'initramfs')), writeCpio(entries)])
  await writeFile(join(directory, 'initramfs'), initramfs)
  const changed = { sha256: createHash('sha256').update(initramfs).digest('hex'), sizeBytes: initramfs.length }
  await writeFile(path, JSON.stringify({ ...manifest, initramfs: changed }))
  return directory
}
