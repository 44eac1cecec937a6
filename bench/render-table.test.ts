import { expect, test } from 'vitest'
import { judge, renderTable } from './render-table.ts'
import type { BenchResult } from './result.ts'

const result: BenchResult = {
  schemaVersion: 1,
  runs: 2,
  peerRuns: 1,
  accelerator: 'tcg',
  isHeld: true,
  versions: { qemu: '7.2' },
  machine: { cpus: 2, cpu: 'x', memoryMb: 4096 },
  rows: { deploy: 2, cloneToFirstCommand: 0.61, 'deploy.scan': 0.1, 'deployColdBoot.scan': 0.2 },
  memory: { guestPages: 48 },
  ratios: { deployVsDirectMount: 4.1, deployVsVirtCustomize: 20 },
  samples: { deploy: [1, 3] },
}
const verdicts = (of: BenchResult) => Object.fromEntries(judge(of).map(({ name, met }) => [name, met]))

test('a target is met on its limit, missed beyond, and open where nothing was measured', () => {
  expect(verdicts(result)).toEqual({
    cloneToFirstCommand: false,
    coldBootToFirstCommand: undefined,
    deploy: true,
    probe: undefined,
    coldBootVsClone: undefined,
    deployVsVirtCustomize: true,
    probeVsVirtInspector: undefined,
    deployVsDirectMount: false,
    throughput5Over1: undefined,
    guestPages: true,
  })
})

test('hardware virtualisation has targets of its own', () => {
  expect(verdicts({ ...result, accelerator: 'kvm' })).toMatchObject({ deploy: false })
})

test('one line for every row, figure of memory and target; steps of one kind of deploy only', () => {
  const lines = renderTable(result).split('\n')
  for (const name of ['deploy ', 'deploy.scan ', 'cloneToFirstCommand ', 'memory guestPages '])
    expect(lines.filter((line) => line.startsWith(name))).toHaveLength(1)
  expect(lines.filter((line) => line.startsWith('deployColdBoot.scan'))).toEqual([])
  expect(lines.filter((line) => line.includes('='))).toHaveLength(judge(result).length)
})
