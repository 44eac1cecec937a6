import { expect, test } from 'vitest'
import { built, loadedAtOpen } from './loaded-at-open.test-support.ts'

test('nothing stands between the built command and its driver but files of ours: what else it takes is built in', async () => {
  const loaded = (await loadedAtOpen(built, 'probe')).filter((url) => url.startsWith('file:') && !url.endsWith('/hook.mjs'))
  expect(loaded.filter((url) => url.includes('/driver-qemu-initramfs/dist/'))).not.toEqual([])
  expect(loaded.filter((url) => url.includes('/.pnpm/'))).toEqual([])
})
