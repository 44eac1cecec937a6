// `./dev test [unit|e2e|soak] [options]` and `./dev check`: runs the stages of the gate one after the other and counts.
// A skipped test fails the run: what a test needs is installed by `./dev`, so a skip hides a gap.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const root = join(import.meta.dirname, '..', '..')
const results = join(root, 'test-results')

interface Counts {
  passed: number
  failed: number
  skipped: number
}

interface Stage {
  readonly name: string
  run(): Counts
}

const bin = (name: string) => join(root, 'node_modules', '.bin', name)

function check(name: string, command: string, args: readonly string[]): Stage {
  return {
    name,
    run() {
      const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
      return { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0 }
    },
  }
}

interface VitestJson {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly success: boolean
}

function tests(project: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Stage {
  return {
    name: project,
    run() {
      const json = join(results, `${project}.json`)
      rmSync(json, { force: true })
      const { status } = spawnSync(
        bin('vitest'),
        ['run', '--project', project, '--reporter=default', '--reporter=json', '--reporter=junit', `--outputFile.json=${json}`].concat(
          `--outputFile.junit=${join(results, `${project}.xml`)}`,
          '--passWithNoTests=false',
          args,
        ),
        { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } },
      )
      if (!existsSync(json)) return { passed: 0, failed: 1, skipped: 0 }
      const report = JSON.parse(readFileSync(json, 'utf8')) as VitestJson
      const counts = { passed: report.numPassedTests, failed: report.numFailedTests, skipped: report.numPendingTests + report.numTodoTests }
      // A file that does not load, or a test that leaks an error, fails the run without failing a test.
      if (status !== 0 && counts.failed === 0) counts.failed = 1
      return counts
    },
  }
}

const checks: readonly Stage[] = [
  check('rules', process.execPath, [join(root, 'tools', 'rules', 'check.ts')]),
  check('errors', process.execPath, [join(root, 'tools', 'errors', 'check.ts')]),
  check('types', bin('tsc'), ['-p', 'tsconfig.json']),
  check('lint', bin('biome'), ['check', '--error-on-warnings', '.']),
]

function select(what: string, args: readonly string[]): readonly Stage[] {
  switch (what) {
    case 'all':
      return [
        ...checks,
        check('build', bin('turbo'), ['run', 'build', '--output-logs=errors-only']),
        tests('unit'),
        tests('integration'),
        tests('e2e'),
      ]
    case 'check':
      return checks
    case 'unit':
      return [tests('unit', args)]
    case 'integration':
      return [tests('integration', args)]
    case 'soak':
      return [tests('e2e', [], soakEnvironment(args))]
    case 'e2e': {
      const { values } = parseArgs({
        args: [...args],
        options: { filter: { type: 'string' }, repeat: { type: 'string' }, driver: { type: 'string' }, appliance: { type: 'string' } },
      })
      const env = {
        ...(values.driver === undefined ? {} : { HOST_DEPLOYER_E2E_DRIVER: values.driver }),
        ...(values.appliance === undefined ? {} : { HOST_DEPLOYER_E2E_APPLIANCE: values.appliance }),
      }
      const stage = tests('e2e', values.filter === undefined ? [] : ['-t', values.filter], env)
      return Array.from({ length: Number(values.repeat ?? 1) }, () => stage)
    }
    default:
      console.error(`Unknown test set: ${what}`)
      return process.exit(2)
  }
}

function soakEnvironment(args: readonly string[]): Record<string, string> {
  const { values } = parseArgs({ args: [...args], options: { seed: { type: 'string' } } })
  return { HOST_DEPLOYER_SOAK: '1', ...(values.seed === undefined ? {} : { HOST_DEPLOYER_SEED: values.seed }) }
}

mkdirSync(results, { recursive: true })
const [what = 'all', ...rest] = process.argv.slice(2)
const total: Counts = { passed: 0, failed: 0, skipped: 0 }
const summary: string[] = []
for (const stage of select(what, rest)) {
  console.log(`\n==> ${stage.name}`)
  const started = performance.now()
  const counts = stage.run()
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  summary.push(
    `${stage.name.padEnd(12)} ${counts.failed === 0 ? 'ok    ' : 'FAILED'} ${String(counts.passed).padStart(5)} passed  ${seconds.padStart(7)} s`,
  )
  total.passed += counts.passed
  total.failed += counts.failed
  total.skipped += counts.skipped
}
console.log(`\n${summary.join('\n')}`)
if (total.skipped > 0) console.log('A skipped test counts as a failure: make it run, or delete it.')
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
process.exit(total.failed > 0 || total.skipped > 0 ? 1 : 0)
