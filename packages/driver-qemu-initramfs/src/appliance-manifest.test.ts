import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { manifestOf } from './appliance.test-support.ts'
import { type ApplianceManifest, readAppliance } from './appliance-manifest.ts'

let directory: string

const digest = (text: string): { sha256: string; sizeBytes: number } => ({
  sha256: createHash('sha256').update(text).digest('hex'),
  sizeBytes: text.length,
})

const manifest: ApplianceManifest = {
  ...manifestOf(digest('kernel bytes'), digest('initramfs bytes')),
  packages: [{ name: 'busybox', version: '1:1.37', architecture: 'amd64', licences: ['GPL-2'], sha256: '1'.repeat(64) }],
}

async function write(changes: Record<string, unknown> = {}): Promise<void> {
  await writeFile(join(directory, 'kernel'), 'kernel bytes')
  await writeFile(join(directory, 'initramfs'), 'initramfs bytes')
  await writeFile(join(directory, 'manifest.json'), JSON.stringify({ ...manifest, ...changes }))
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'appliance-manifest-'))
})
afterEach(() => rm(directory, { recursive: true }))

test('an appliance that is as its manifest says', async () => {
  await write({ somethingNew: 1 })
  const appliance = await readAppliance(directory, { verify: true })
  expect(appliance).toEqual({ directory, kernel: join(directory, 'kernel'), initramfs: join(directory, 'initramfs'), manifest })
})

test.each([[''], ['nowhere']])('no manifest: missing (%j)', async (name) => {
  await expect(readAppliance(join(directory, name))).rejects.toMatchObject({ code: 'APPLIANCE_MISSING' })
})

test('another API version is told from damage, whatever else changed', async () => {
  await writeFile(join(directory, 'manifest.json'), JSON.stringify({ apiVersion: 2, other: true }))
  await expect(readAppliance(directory)).rejects.toMatchObject({ code: 'APPLIANCE_INCOMPATIBLE', context: { found: 2, wanted: 1 } })
})

test.each(['', '{', 'null', '{}', '{"apiVersion":"1"}', '{"apiVersion":1}'])('damaged manifest %j', async (text) => {
  await writeFile(join(directory, 'manifest.json'), text)
  await expect(readAppliance(directory)).rejects.toMatchObject({ code: 'APPLIANCE_DAMAGED' })
})

test('a truncated file is noticed without reading it, a changed one when verified', async () => {
  await write()
  await writeFile(join(directory, 'kernel'), 'kernel BYTES')
  expect((await readAppliance(directory)).manifest).toEqual(manifest)
  await expect(readAppliance(directory, { verify: true })).rejects.toMatchObject({ code: 'APPLIANCE_DAMAGED' })
  await writeFile(join(directory, 'initramfs'), 'init')
  await expect(readAppliance(directory)).rejects.toMatchObject({ code: 'APPLIANCE_DAMAGED' })
  await rm(join(directory, 'initramfs'))
  await expect(readAppliance(directory)).rejects.toMatchObject({ code: 'APPLIANCE_DAMAGED' })
})
