import { expect, test } from 'vitest'
import { fromSource, loadedAtOpen } from './loaded-at-open.test-support.ts'

const forTheGuest = ['/packages/block/', '/packages/guest-fs/', '/packages/os-detect/', '/packages/formats/', '/ssh2/', '/execa/']
const found = (loaded: readonly string[], parts: readonly string[]) => parts.filter((part) => loaded.some((url) => url.includes(part)))

test('a deploy asks the driver to open before it loads what only the mounted guest needs', async () => {
  const loaded = await loadedAtOpen(fromSource, 'deploy', '--hostname', 'web')
  expect(found(loaded, ['/packages/api/', ...forTheGuest])).toEqual(['/packages/api/'])
})

test('a probe does so before it loads what parses requests, too', async () => {
  const loaded = await loadedAtOpen(fromSource, 'probe')
  expect(found(loaded, ['/packages/core/', '/packages/api/', '/yaml/', ...forTheGuest])).toEqual(['/packages/core/'])
})
