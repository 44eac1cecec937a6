// `./dev bench`: how long things take, ours and the peers' in turns, in one run on one machine. Machines drift; compare only what one run measured.
// Writes bench/out/bench.json and bench/out/phases.svg; docs: "Numbers" in README.md.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProbeReport } from '@host-deployer/api'
import { ensureAppliance } from '@host-deployer/e2e/lib/appliance'
import { buildCommand, runBuilt } from './built-command.ts'
import { catalogue } from './catalogue.ts'
import { compareRatios, unmeasuredRatios } from './compare-ratios.ts'
import { describeMachine } from './describe-machine.ts'
import { holdTemplate } from './hold-template.ts'
import { measure, type Samples } from './measure.ts'
import { type BenchOptions, parseOptions } from './options.ts'
import { renderPhasesChart } from './phases-chart.ts'
import { preparePlace } from './place.ts'
import { type Ratios, ratiosOf } from './ratios.ts'
import { renderTable } from './render-table.ts'
import type { BenchResult } from './result.ts'
import type { DeployRun } from './rows/deploy.ts'
import { MEMORY } from './rows/memory.ts'
import { selectBenchmarks } from './schedule.ts'
import { median, medianItem, round } from './statistics.ts'

const out = join(import.meta.dirname, 'out')
const started = performance.now()
const note = (line: string) => console.error(`${((performance.now() - started) / 1000).toFixed(0).padStart(5)} s  ${line}`)

function options(): BenchOptions {
  try {
    return parseOptions(process.argv.slice(2))
  } catch (error) {
    console.error(`dev bench: ${error instanceof Error ? error.message : error}`)
    process.exit(2)
  }
}

function medians(samples: Samples, belongs: (row: string) => boolean, unit: number): Record<string, number> {
  const rows = [...samples].filter(([row]) => belongs(row))
  return Object.fromEntries(rows.map(([row, values]) => [row.replace(MEMORY, ''), round(median(values) / unit)]))
}

function chartOf(bars: Readonly<Record<string, { readonly measured: readonly DeployRun[] }>>, accelerator: string): string | undefined {
  const runs = Object.entries(bars).flatMap(([title, { measured }]) => {
    const run = medianItem(measured, ({ seconds }) => seconds)
    return run === undefined ? [] : [{ title, parts: run.parts }]
  })
  if (runs.length === 0) return undefined
  return renderPhasesChart(`A deploy of the demo's cloud-config, root not grown, phase by phase (median run, ${accelerator})`, runs)
}

/** Says which ratios are worse than the baseline allows, and which nobody measured: all of them have to be, unless rows were asked for. */
async function check(ratios: Ratios, isPartial: boolean): Promise<boolean> {
  const baseline = JSON.parse(await readFile(join(import.meta.dirname, 'baseline.json'), 'utf8')) as { readonly ratios: Ratios }
  const compared = compareRatios(baseline.ratios, ratios)
  for (const { name, measured, limit, passes, baseline: expected } of compared)
    console.log(`${passes ? 'ok    ' : 'WORSE '} ${name}: ${measured.toFixed(2)}, baseline ${expected}, limit ${limit.toFixed(2)}`)
  const missing = unmeasuredRatios(baseline.ratios, ratios)
  for (const name of missing) console.log(`${isPartial ? 'left out' : 'MISSING'} ${name}: not measured`)
  return compared.length > 0 && compared.every(({ passes }) => passes) && (isPartial || missing.length === 0)
}

// What was said, not where in the source; programs that fail say theirs in the message.
process.on('uncaughtException', (error) => {
  console.error(`dev bench: ${error.message}`)
  process.exit(1)
})

const { runs, peerRuns, only, quick, check: checking, concurrencyImages } = options()
note('building the command, the appliance and the image, where they are not there')
await buildCommand()
await ensureAppliance(note)
const place = await preparePlace(note)
try {
  const isHeld = await holdTemplate(place.directory)
  if (!isHeld) note('the memory of the template cannot be held here')
  // Makes the template when there is none, and says how VMs run here.
  const { accelerator } = (await runBuilt<ProbeReport>(['probe', place.image])).report
  const { all: listed, bars } = catalogue(place, concurrencyImages, accelerator)
  const all = listed.filter(({ needsRoot }) => needsRoot !== true || process.getuid?.() === 0)
  if (all.length < listed.length) note('not root: what mounts on this machine is left out')
  const selected = selectBenchmarks(quick && only.length === 0 ? all.filter(({ long }) => long !== true) : all, only)
  if (typeof selected === 'string') {
    console.error(`dev bench: nothing measures ${selected}; rows are ${all.flatMap(({ rows }) => rows).join(' ')}`)
    process.exitCode = 2
  } else {
    // Whatever a row has done to it: without it, the next one would measure something else.
    const samples = await measure(selected, { runs, peerRuns }, () => holdTemplate(place.directory), note)
    const isMemory = (row: string) => row.startsWith(MEMORY)
    const rows = medians(samples, (row) => !isMemory(row), 1)
    const result: BenchResult = {
      schemaVersion: 1,
      runs,
      peerRuns,
      accelerator,
      isHeld,
      ...(await describeMachine()),
      rows,
      memory: medians(samples, isMemory, 2 ** 20),
      ratios: ratiosOf(rows),
      samples: Object.fromEntries([...samples].map(([row, values]) => [row, values.map(round)])),
    }
    await mkdir(out, { recursive: true })
    await writeFile(join(out, 'bench.json'), `${JSON.stringify(result, null, 2)}\n`)
    const chart = chartOf(bars, accelerator)
    if (chart !== undefined) await writeFile(join(out, 'phases.svg'), chart)
    console.log(renderTable(result))
    if (checking && !(await check(result.ratios, only.length > 0 || all.length < listed.length))) process.exitCode = 1
  }
} finally {
  await place.remove()
}
