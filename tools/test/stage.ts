import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Counts, countReport } from './count-report.ts'

/** One step of the gate. Its output goes to the terminal; a stage never throws, what goes wrong counts as failed. */
export interface Stage {
  readonly name: string
  run(): Counts
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
  /** Result files are named after it; the project's name when absent. */
  readonly name?: string
  /** Run the tests whose full name matches this regular expression, and count no others. */
  readonly filter?: string
  /** Run the files whose path contains one of these. */
  readonly files?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** The tests of a vitest project. */
export function testStage(project: string, { name = project, filter, files = [], env = {} }: TestOptions = {}): Stage {
  return {
    name,
    run() {
      const [json, junit, kept] = ['json', 'xml', 'kept'].map((ending) => join(results, `${name}.${ending}`)) as [string, string, string]
      // Results of an earlier run would speak for a run that dies.
      for (const file of [json, junit, kept]) rmSync(file, { force: true })
      const { status } = spawnSync(
        bin('vitest'),
        [
          ...['run', '--project', project, '--reporter=default', '--reporter=json', '--reporter=junit'],
          ...[`--outputFile.json=${json}`, `--outputFile.junit=${junit}`, '--passWithNoTests=false'],
          ...(filter === undefined ? [] : ['-t', filter]),
          ...files,
        ],
        { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, HOST_DEPLOYER_E2E_KEPT: kept, ...env } },
      )
      const evidence = readText(kept)
      if (evidence !== undefined) console.log(`${name}: kept for a look (listed in ${kept})\n${evidence}`)
      return countReport(readText(json), status, filter)
    },
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
