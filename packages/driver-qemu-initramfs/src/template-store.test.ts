import { copyFile, mkdtemp, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hostPath } from '@host-deployer/driver-api'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { manifestOf } from './appliance.test-support.ts'
import { contextOf } from './session.test-support.ts'
import { templatePlace } from './template-store.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'template-store-'))
})
afterEach(() => rm(directory, { recursive: true }))

const file = { sha256: '0'.repeat(64), sizeBytes: 12 }
const manifest = manifestOf(file, file)

async function keyOf(): Promise<string> {
  const [kernel, initramfs] = [hostPath(join(directory, 'kernel')), hostPath(join(directory, 'initramfs'))]
  const context = contextOf({ workDirectory: join(directory, 'work'), leaseDirectory: join(directory, 'leases'), options: {} })
  const programs = { qemu: process.execPath, setpriv: '/usr/bin/setpriv', hasQboot: false }
  const appliance = { directory: hostPath(directory), kernel, initramfs, manifest }
  return (await templatePlace({ appliance, programs, context, accelerator: 'tcg' })).key
}

test.each(['kernel', 'initramfs'])(
  '%s: other bytes of the same size, put in its place or written to it, have another template',
  async (name) => {
    for (const each of ['kernel', 'initramfs']) await writeFile(join(directory, each), 'twelve bytes')
    const path = join(directory, name)
    const keys = [await keyOf()]
    expect(await keyOf()).toBe(keys[0])
    const { atime, mtime } = await stat(path)
    await copyFile(path, `${path}.other`)
    await utimes(`${path}.other`, atime, mtime)
    await rename(`${path}.other`, path)
    keys.push(await keyOf())
    await writeFile(path, 'TWELVE BYTES')
    await utimes(path, atime, mtime)
    keys.push(await keyOf())
    expect(new Set(keys).size).toBe(3)
  },
)
