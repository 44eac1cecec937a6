import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openImage, readVirtualBytes } from './read-image.ts'
import { createQcow2Image, createRawImage } from './test-images.ts'

const MIB = 1024 * 1024
let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'read-image-'))
})
afterAll(() => rm(directory, { recursive: true }))

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))

it('reads what was written, across clusters, through the backing file, and zeros where nothing is', async () => {
  const below = await createRawImage(directory, 'below', 3 * MIB, new Map([[MIB, bytes('below')]]))
  const middle = await createQcow2Image(directory, 'middle', 3 * MIB, below, new Map([[2 * MIB, bytes('middle')]]))
  const top = await createQcow2Image(directory, 'top', 3 * MIB, middle, new Map([[2 * MIB + 65_536, bytes('top')]]))
  expect(Buffer.from(await readVirtualBytes(top, MIB, 5)).toString()).toBe('below')
  expect(Buffer.from(await readVirtualBytes(top, 2 * MIB, 6)).toString()).toBe('middle')
  expect(Buffer.from(await readVirtualBytes(top, 2 * MIB + 65_530, 9)).toString('latin1')).toBe('\0\0\0\0\0\0top')
  expect([...new Set(await readVirtualBytes(top, 0, 100_000))]).toEqual([0])
  const opened = await openImage(top)
  expect(opened.sizeBytes).toBe(3 * MIB)
  expect((await opened.ownClusters())?.indexes).toEqual([33])
  await opened.close()
})

it('does not take a raw image for a qcow2 one', async () => {
  const raw = await createRawImage(directory, 'raw', MIB)
  await expect(openImage({ ...raw, format: 'qcow2' })).rejects.toThrow()
})
