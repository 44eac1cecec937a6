import { expect, test } from 'vitest'
import { memoryForVm } from './memory-for-vm.ts'

const meminfo = (availableKb: number): string =>
  `MemTotal:       24682740 kB\nMemFree:        99999999 kB\nMemAvailable:   ${availableKb} kB\n`

test.each([
  [356 * 1024 - 1, true],
  [356 * 1024, false],
])('a VM of 256 MB takes 356: %i kB are available', (availableKb, isShort) => {
  expect(memoryForVm(meminfo(availableKb), 256).isShort).toBe(isShort)
})

test('a kernel that does not say counts as one without memory', () => {
  expect(memoryForVm('', 128).isShort).toBe(true)
})
