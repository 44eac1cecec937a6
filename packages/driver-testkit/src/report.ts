import { release } from 'node:os'
import type { Capabilities } from '@host-deployer/driver-api'
import type { Check, GroupName } from './check.ts'
import { type ConformanceInput, checksOf, createConformanceRun, describeFailure, type Outcome } from './conformance-run.ts'

export interface CheckReport {
  /** Stable: `exec.binary-output`. */
  readonly id: string
  readonly group: GroupName
  readonly title: string
  readonly outcome: Outcome['outcome']
  readonly durationMs: number
  /** Why a check does not apply. */
  readonly reason?: string
  readonly failure?: { readonly message: string; readonly code?: string }
}

/** What a driver came to; the shape of `--json`, described by `conformance-report.schema.json` of this package. */
export interface ConformanceReport {
  readonly reportVersion: 1
  readonly driver: { readonly name: string; readonly apiVersion: number }
  /** Of the first session; `null` when none could be opened. */
  readonly capabilities: Capabilities | null
  readonly machine: { readonly node: string; readonly kernel: string; readonly root: boolean }
  /** No check has failed. */
  readonly passed: boolean
  readonly counts: { readonly passed: number; readonly failed: number; readonly notApplicable: number }
  readonly durationMs: number
  readonly checks: readonly CheckReport[]
}

export interface RunConformanceInput<Options = unknown> extends ConformanceInput<Options> {
  /** Default: all. */
  readonly groups?: readonly GroupName[]
  /** Stop at the first check that fails. Default: run all. */
  readonly bail?: boolean
  /** Told of each check as it is done. */
  readonly onCheck?: (report: CheckReport) => void
}

function reportOf({ id, group, title }: Check, outcome: Outcome, durationMs: number): CheckReport {
  const base = { id, group, title, outcome: outcome.outcome, durationMs: Math.round(durationMs) }
  if (outcome.outcome === 'failed') return { ...base, failure: describeFailure(outcome.error) }
  return outcome.outcome === 'not-applicable' ? { ...base, reason: outcome.reason } : base
}

/** Runs the conformance suite without a test framework. Rejects with `TypeError` when the options are none for this driver, for nothing else. */
export async function runConformance<Options>(input: RunConformanceInput<Options>): Promise<ConformanceReport> {
  const checks = checksOf(input.groups)
  const run = await createConformanceRun(input)
  const started = performance.now()
  const reports: CheckReport[] = []
  const add = (report: CheckReport): void => {
    reports.push(report)
    input.onCheck?.(report)
  }
  try {
    for (const [index, check] of checks.entries()) {
      const before = performance.now()
      add(reportOf(check, await run.check(check), performance.now() - before))
      const stops = input.bail === true && reports.some(({ outcome }) => outcome === 'failed')
      if (!stops && checks[index + 1]?.group === check.group) continue
      // A session that cannot be closed is a failure of its group.
      await run.endGroup(check.group).catch((error: unknown) => {
        const closing: Check = { ...check, id: `${check.group}.close`, title: 'the session of the group can be closed' }
        add(reportOf(closing, { outcome: 'failed', error }, 0))
      })
      if (stops) break
    }
  } finally {
    await run.end()
  }
  const count = (outcome: Outcome['outcome']): number => reports.filter((report) => report.outcome === outcome).length
  const failed = count('failed')
  return {
    reportVersion: 1,
    driver: { name: input.driver.name, apiVersion: input.driver.apiVersion },
    capabilities: run.capabilities() ?? null,
    machine: { node: process.version, kernel: release(), root: process.getuid?.() === 0 },
    passed: failed === 0,
    counts: { passed: count('passed'), failed, notApplicable: count('not-applicable') },
    durationMs: Math.round(performance.now() - started),
    checks: reports,
  }
}
