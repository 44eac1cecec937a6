import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { built, loadedAtOpen } from './loaded-at-open.test-support.ts'

test('nothing stands between the built command and its driver but files of ours: what else it takes is built in', async () => {
  const loaded = (await loadedAtOpen(built, 'probe')).filter((url) => url.startsWith('file:') && !url.endsWith('/hook.mjs'))
  expect(loaded.filter((url) => url.includes('/driver-qemu-initramfs/dist/'))).not.toEqual([])
  expect(loaded.filter((url) => url.includes('/.pnpm/'))).toEqual([])
})

test.each([
  ['commander', built.main[0]],
  ['zod', built.driver],
])('the licence of %s goes along with what it is built into', async (name, file) => {
  const text = await readFile(join(dirname(file), 'BUILT-IN-LICENCES.txt'), 'utf8')
  expect(text).toMatch(new RegExp(`^${name} \\d[^]*Permission is hereby granted`, 'm'))
})
