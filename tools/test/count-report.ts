export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** The parts of vitest's JSON report that are counted. */
interface Report {
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

/**
 * Counts a run of vitest from its JSON report and its exit status (null: a signal ended it).
 *
 * A test that neither passed nor failed is skipped, unless `filter` did not select it. A file that failed without a failing test (it did not load, its
 * worker died) counts as one failed; so does a run that failed as a whole, left no report, or selected nothing.
 */
export function countReport(text: string | undefined, status: number | null, filter?: string): Counts {
  const report = parse(text)
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0 }
  const selected = filter === undefined ? undefined : new RegExp(filter)
  let [passed, failed, skipped] = [0, 0, 0]
  for (const file of report.testResults) {
    const failedBefore = failed
    for (const test of file.assertionResults) {
      if (test.status === 'passed') passed++
      else if (test.status === 'failed') failed++
      else if (selected?.test(test.fullName) ?? true) skipped++
    }
    if (file.status === 'failed' && failed === failedBefore) failed++
  }
  if (failed === 0 && (status !== 0 || passed + skipped === 0)) failed = 1
  return { passed, failed, skipped }
}

/** A test that failed, or with `test` absent a file that did not load or whose worker died. */
export interface Failure {
  /** Absolute path. */
  readonly file: string
  /** Full name. */
  readonly test?: string
}

/** What failed, from vitest's JSON report; nothing where there is no report. */
export function failuresOf(text: string | undefined): readonly Failure[] {
  const failed = (parse(text)?.testResults ?? []).filter(({ status }) => status === 'failed')
  return failed.flatMap(({ name: file, assertionResults }) => {
    const tests = assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => ({ file, test: fullName }))
    return tests.length > 0 ? tests : [{ file }]
  })
}

function parse(text: string | undefined): Report | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as Report)
  } catch {
    return undefined
  }
}
