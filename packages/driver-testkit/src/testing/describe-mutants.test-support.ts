import { describe, expect, it } from 'vitest'
import { runConformance } from '../report.ts'
import type { Mutant } from './mutant.ts'
import { plantFault } from './plant-fault.ts'

/** One test for each mutant: it does not pass, and the first check to fail is one of those its fault is for. */
export function describeMutants(mutants: Readonly<Record<string, Mutant>>): void {
  describe('a driver with one fault does not pass', () => {
    it.each(Object.entries(mutants))('%s', { timeout: 120_000 }, async (name, { fault, groups, found }) => {
      const module = new URL(`./mutant-driver.ts?${encodeURIComponent(name)}`, import.meta.url)
      const { passed, checks } = await runConformance({ driver: plantFault(fault), module, groups, bail: true, settleMs: 300 })
      const failed = checks.filter(({ outcome }) => outcome === 'failed').map(({ id }) => id)
      expect(passed).toBe(false)
      expect(found).toContain(failed[0])
    })
  })
}
