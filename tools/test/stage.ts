import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Counts, countReport, type Failure, failuresOf } from './count-report.ts'

export interface StageResult extends Counts {
  /** What failed and then passed, by itself; it counts as passed. Absent: nothing. */
  readonly unsteady?: readonly Failure[]
}

/** One step of the gate. Its output goes to the terminal; a stage never throws, what goes wrong counts as failed. */
export interface Stage {
  readonly name: string
  run(): StageResult
}

export const addCounts = (a: Counts, b: Counts): Counts => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
})

export const root = join(import.meta.dirname, '..', '..')

/** Where each test stage leaves `NAME.json` (vitest's report), `NAME.xml` (JUnit) and, after a failure, `NAME.kept`: the paths of what was kept. */
export const results = join(root, 'test-results')

export const bin = (name: string): string => join(root, 'node_modules', '.bin', name)

/** A program that passes or fails as a whole. */
export function programStage(name: string, command: string, args: readonly string[]): Stage {
  return {
    name,
    run() {
      const { status } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
      return { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0 }
    },
  }
}

export interface TestOptions {
  /** Result files are named after it; the projects' names when absent. */
  readonly name?: string
  /** Run the tests whose full name matches this regular expression, and count no others. */
  readonly filter?: string
  /** Run the files whose path contains one of these. */
  readonly files?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Files that fail are run once more, by themselves, unless they are more than {@link MANY_FILES}: what passes then is {@link StageResult.unsteady}. */
  readonly again?: boolean
}

/** More than so many files do not fail by bad luck. */
const MANY_FILES = 2

/** The tests of a vitest project, or of several at the same time. */
export function testStage(projects: string | readonly string[], options: TestOptions = {}): Stage {
  const all = [projects].flat()
  const { name = all.join('-') } = options
  return {
    name,
    run() {
      const { counts, failures } = runTests(all, { ...options, name })
      const files = [...new Set(failures.map(({ file }) => file))]
      if (options.again !== true || files.length === 0 || files.length > MANY_FILES) return counts
      console.log(`\n${name}: failed, and once more by itself: ${files.join(', ')}`)
      const { counts: alone } = runTests(all, { ...options, name: `${name}-again`, files }, ['--no-file-parallelism'])
      if (alone.failed + alone.skipped > 0) return counts
      return { passed: counts.passed + counts.failed, failed: 0, skipped: counts.skipped, unsteady: failures }
    },
  }
}

function runTests(
  projects: readonly string[],
  { name, filter, files = [], env = {} }: TestOptions & { readonly name: string },
  more: readonly string[] = [],
) {
  const [json, junit, kept] = ['json', 'xml', 'kept'].map((ending) => join(results, `${name}.${ending}`)) as [string, string, string]
  // Results of an earlier run would speak for a run that dies.
  for (const file of [json, junit, kept]) rmSync(file, { force: true })
  const { status } = spawnSync(
    bin('vitest'),
    [
      ...['run', ...projects.flatMap((project) => ['--project', project]), '--reporter=default', '--reporter=json', '--reporter=junit'],
      ...[`--outputFile.json=${json}`, `--outputFile.junit=${junit}`, '--passWithNoTests=false'],
      ...(filter === undefined ? [] : ['-t', filter]),
      ...more,
      ...files,
    ],
    { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, HOST_DEPLOYER_E2E_KEPT: kept, ...env } },
  )
  const evidence = readText(kept)
  if (evidence !== undefined) console.log(`${name}: kept for a look (listed in ${kept})\n${evidence}`)
  const report = readText(json)
  return { counts: countReport(report, status, filter), failures: failuresOf(report) }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
