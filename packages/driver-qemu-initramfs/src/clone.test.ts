import { expect, test } from 'vitest'
import { goByte, reseedingGo } from './clone.ts'

test('what a clone is sent to reseed is one line, another one each time, and nothing that lets it go without', () => {
  const lines = Array.from({ length: 100 }, reseedingGo)
  // docs/appliance.md: R, at least 64 characters, a line feed.
  for (const line of lines) expect(line).toMatch(/^R[0-9a-f]{64,}\n$/)
  expect(lines.join('')).not.toContain(goByte)
  expect(new Set(lines).size).toBe(lines.length)
})
