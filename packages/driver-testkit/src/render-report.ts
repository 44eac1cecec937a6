import type { CheckReport, ConformanceReport } from './report.ts'

const signs: Readonly<Record<CheckReport['outcome'], string>> = { passed: 'ok  ', failed: 'FAIL', 'not-applicable': '-   ' }

/** One check, a line; with more below it when it failed. */
export function renderCheck({ id, title, outcome, durationMs, reason, failure }: CheckReport): string {
  const line = `${signs[outcome]} ${id.padEnd(30)} ${`${durationMs} ms`.padStart(9)}  ${title}`
  if (reason !== undefined) return `${line} (${reason})`
  if (failure === undefined) return line
  const why = failure.code === undefined ? failure.message : `${failure.code}: ${failure.message}`
  return `${line}\n${why
    .split('\n')
    .map((text) => `       ${text}`)
    .join('\n')}`
}

/** The last lines: counts and verdict. */
export function renderSummary({ driver, capabilities, counts, passed, durationMs, checks }: ConformanceReport): string {
  const can = Object.entries(capabilities ?? {}).flatMap(([name, has]) => (has ? [name] : []))
  const failures = checks.filter(({ outcome }) => outcome === 'failed').map(({ id }) => id)
  const lines = [
    `driver ${driver.name}, API version ${driver.apiVersion}, capabilities: ${can.length === 0 ? 'none' : can.join(', ')}`,
    `${counts.passed} passed, ${counts.failed} failed, ${counts.notApplicable} do not apply, ${(durationMs / 1000).toFixed(1)} s`,
    passed ? 'The driver conforms.' : `The driver does not conform: ${failures.join(', ')}`,
  ]
  return lines.join('\n')
}
