// `./dev test [SET] [options]` and `./dev check`: runs the stages of the gate one after the other and counts.
// A skipped test fails the run: what a test needs is installed by `./dev`, so a skip hides a gap.
import { mkdirSync } from 'node:fs'
import { relative } from 'node:path'
import type { Counts, Failure } from './count-report.ts'
import { selectStages } from './select-stages.ts'
import { addCounts, results, root } from './stage.ts'

mkdirSync(results, { recursive: true })
const [set = 'all', ...args] = process.argv.slice(2)
const stages = selectStages(set, args, process.env['INIT_CWD'] ?? process.cwd())
if (typeof stages === 'string') {
  console.error(`dev test: ${stages}; see ./dev help`)
  process.exit(2)
}
let total: Counts = { passed: 0, failed: 0, skipped: 0 }
const summary: string[] = []
const unsteady: Failure[] = []
for (const stage of stages) {
  console.log(`\n==> ${stage.name}`)
  const started = performance.now()
  const counts = stage.run()
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const verdict = counts.failed + counts.skipped === 0 ? 'ok    ' : 'FAILED'
  summary.push(
    `${stage.name.padEnd(12)} ${verdict} ${seconds.padStart(7)} s ${String(counts.passed).padStart(5)} passed, ${counts.failed} failed, ${counts.skipped} skipped`,
  )
  total = addCounts(total, counts)
  unsteady.push(...(counts.unsteady ?? []))
}
console.log(`\n${summary.join('\n')}`)
for (const { file, test } of unsteady)
  console.log(
    `UNSTEADY     ${relative(root, file)}${test === undefined ? '' : ` > ${test}`}: failed among the others, passed by itself; a race to mend`,
  )
if (total.skipped > 0) console.log('A skipped test counts as a failure: make it run, or delete it.')
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
process.exitCode = total.failed > 0 || total.skipped > 0 ? 1 : 0
