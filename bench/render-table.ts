import type { BenchResult } from './result.ts'
import { type Target, targetsFor } from './targets.ts'

interface Judged extends Target {
  readonly measured: number | undefined
  /** `undefined`: not measured. */
  readonly met: boolean | undefined
}

/** Pure. The targets of the accelerator that was measured with, and whether each is met. */
export function judge({ accelerator, rows, memory, ratios }: BenchResult): Judged[] {
  const from: Record<Target['kind'], Readonly<Record<string, number | undefined>>> = { row: rows, memory, ratio: ratios }
  return targetsFor(accelerator).map((target) => {
    const measured = from[target.kind][target.name]
    if (measured === undefined) return { ...target, measured, met: undefined }
    return { ...target, measured, met: target.better === 'larger' ? measured >= target.limit : measured <= target.limit }
  })
}

// The steps of one deploy will do for a reader; the document has them all.
const isShown = (row: string): boolean => !row.includes('.') || /^(deploy|openMountClose)\./.test(row)

/** Pure. The rows, then the targets: text for a terminal. */
export function renderTable(result: BenchResult): string {
  const line = (name: string, value: number, unit: string, count: number | undefined) =>
    `${name.padEnd(34)} ${value.toFixed(unit === 's' ? 3 : 1).padStart(9)} ${unit.padEnd(4)}${count === undefined ? '' : ` of ${count}`}`
  const rows = Object.entries(result.rows)
    .filter(([name]) => isShown(name))
    .map(([name, value]) => line(name, value, 's', result.samples[name]?.length))
  const memory = Object.entries(result.memory).map(([name, value]) => line(`memory ${name}`, value, 'MiB', undefined))
  const targets = judge(result).map(({ kind, what, better, limit, measured, met }) => {
    const unit = kind === 'row' ? ' s' : ''
    const value = measured === undefined ? '-' : `${measured.toFixed(2)}${unit}`
    const verdict = met === undefined ? 'not measured' : met ? 'met' : 'MISSED'
    return `${what.padEnd(50)} ${value.padStart(9)}   ${better === 'larger' ? '>=' : '<='} ${`${limit}${unit}`.padEnd(7)} ${verdict}`
  })
  const versions = Object.entries(result.versions).map(([name, version]) => `${name} ${version}`)
  const { cpus, cpu, memoryMb } = result.machine
  const template = result.isHeld
    ? 'its memory is held in this run, as by a daemon, and clones share it'
    : 'each clone has a copy of its memory'
  return [
    `medians of ${result.runs} runs, ${result.peerRuns} of the peers; ${result.accelerator}, ${cpus} x ${cpu}, ${memoryMb} MB`,
    versions.join(', '),
    `template: ${template}; memory: each of five deploys at once, with its part of pages that several have`,
    '',
    ...rows,
    ...memory,
    '',
    ...targets,
  ].join('\n')
}
