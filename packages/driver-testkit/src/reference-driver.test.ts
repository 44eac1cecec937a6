import { beforeAll, describe, expect, it } from 'vitest'
import type { ConformanceReport } from './report.ts'
import { runConformance } from './report.ts'
import { driver } from './testing/reference-driver.ts'

const module = new URL('./testing/reference-driver.ts', import.meta.url)

describe('the reference driver', () => {
  let report: ConformanceReport
  beforeAll(async () => {
    report = await runConformance({ driver, module })
  }, 600_000)

  it('passes every check', () => {
    expect(report.checks.filter(({ outcome }) => outcome === 'failed')).toEqual([])
    expect(report.passed).toBe(true)
  })
  it('is excused from what it has no capability for, and from nothing else', () => {
    const excused = report.checks.filter(({ outcome }) => outcome === 'not-applicable').map(({ id }) => id)
    expect(excused).toEqual([
      'lifecycle.isolated',
      'lifecycle.guest-exec',
      'lifecycle.closed-refuses',
      'block.lvm',
      'hostile.garbage-filesystems',
      'parallel.equal-names',
    ])
  })
})
