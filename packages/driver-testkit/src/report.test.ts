import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { renderCheck, renderSummary } from './render-report.ts'
import { type ConformanceReport, runConformance } from './report.ts'
import { mutants } from './testing/mutants.ts'
import { plantFault } from './testing/plant-fault.ts'
import { driver } from './testing/reference-driver.ts'

const schema = z.fromJSONSchema(JSON.parse(readFileSync(new URL('../conformance-report.schema.json', import.meta.url), 'utf8')))
const asWritten = (report: ConformanceReport): unknown => JSON.parse(JSON.stringify(report))
const faulty = plantFault(mutants['has one code for everything']?.fault ?? {})

describe('a report', () => {
  it('of a driver that passes is what the schema says', async () => {
    const report = await runConformance({ driver, groups: ['kill'] })
    expect(schema.safeParse(asWritten(report)).error).toBeUndefined()
    expect(report.counts).toEqual({ passed: 1, failed: 0, notApplicable: 4 })
    expect(report.checks.find(({ outcome }) => outcome === 'not-applicable')?.reason).toBeTypeOf('string')
  })

  it('of one that does not, too, and names what failed', async () => {
    const report = await runConformance({ driver: faulty, groups: ['lifecycle'], settleMs: 100 })
    expect(schema.safeParse(asWritten(report)).error).toBeUndefined()
    expect(report.passed).toBe(false)
    const failed = report.checks.filter(({ outcome }) => outcome === 'failed')
    expect(failed.map(({ id }) => id)).toContain('lifecycle.chain-mismatch')
    for (const check of failed) expect(renderCheck(check)).toContain(check.failure?.message.split('\n')[0])
    expect(renderSummary(report)).toContain('lifecycle.chain-mismatch')
  })

  it('refuses what the schema does not know', () => {
    expect(schema.safeParse({ reportVersion: 2 }).success).toBe(false)
  })
})

describe('runConformance', () => {
  it('is a TypeError for options the driver refuses', async () => {
    await expect(runConformance({ driver, options: { unknown: true } })).rejects.toBeInstanceOf(TypeError)
  })
})
