import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { withPublishingFields } from '../release/publishing-fields.ts'
import { createDriverPackage, nameProblem } from './driver-package.ts'

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'new-driver-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

test('names', () => {
  expect(nameProblem('zfs-zvol')).toBeUndefined()
  for (const name of ['', 'Zfs', '1st', 'a_b', 'driver-zfs', 'x'.repeat(42)]) expect(nameProblem(name)).toBeDefined()
})

test('nothing of the example is left in it, and nothing is overwritten', () => {
  const place = join(directory, 'mine')
  const files = createDriverPackage({ name: 'zfs-zvol', directory: place, scope: '@somebody' })
  const texts = files.map((file) => readFileSync(join(place, file), 'utf8'))
  expect(texts.filter((text) => /qsd-fuse|QSD_FAILED|@example/.test(text))).toEqual([])
  expect(JSON.parse(readFileSync(join(place, 'package.json'), 'utf8')).name).toBe('@somebody/driver-zfs-zvol')
  expect(texts.some((text) => text.includes("'DRIVER_ZFS_ZVOL_FAILED'"))).toBe(true)
  expect(() => createDriverPackage({ name: 'zfs-zvol', directory: place, scope: '@somebody' })).toThrow()
})

test('one of ours has the fields of ours', () => {
  const place = join(directory, 'driver-ours')
  const files = createDriverPackage({ name: 'ours', directory: place })
  expect(files).toContain('src/conformance.int.test.ts')
  const manifest = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8'))
  expect(withPublishingFields(manifest)).toEqual(manifest)
  expect(manifest.name).toBe('@host-deployer/driver-ours')
})
