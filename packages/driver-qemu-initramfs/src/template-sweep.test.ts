import { expect, test } from 'vitest'
import { templateBytes } from './template-sweep.ts'

test.each([
  [128, 136],
  [256, 208],
  [1024, 232],
  [65_536, 2248],
])('a template of a VM with %i MB takes at most %i MiB', (memoryMb, mib) => {
  expect(templateBytes(memoryMb)).toBe(mib * 2 ** 20)
})
