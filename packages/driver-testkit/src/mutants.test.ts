import { afterEach, describe, expect, it } from 'vitest'
import { runConformance } from './report.ts'
import { mutants } from './testing/mutants.ts'
import { plantFault } from './testing/plant-fault.ts'
import { leaked } from './testing/session-mutants.ts'

describe('a driver with one fault does not pass', () => {
  afterEach(async () => {
    for (const each of leaked.splice(0)) await each.close().catch(() => {})
  })

  it.each(Object.entries(mutants))('%s', { timeout: 60_000 }, async (name, { fault, groups, found }) => {
    const module = new URL(`./testing/mutant-driver.ts?${encodeURIComponent(name)}`, import.meta.url)
    const { passed, checks } = await runConformance({ driver: plantFault(fault), module, groups, bail: true, settleMs: 100 })
    const failed = checks.filter(({ outcome }) => outcome === 'failed').map(({ id }) => id)
    expect(passed).toBe(false)
    expect(found).toContain(failed[0])
  })

  it('and every check that finds one is a check there is', async () => {
    const { allChecks } = await import('./all-checks.ts')
    const ids = new Set(allChecks.map(({ id }) => id))
    expect(Object.values(mutants).flatMap(({ found }) => found.filter((id) => !ids.has(id)))).toEqual([])
  })
})
