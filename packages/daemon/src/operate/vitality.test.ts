import { expect, test } from 'vitest'
import type { JobSnapshot } from '../work/work.ts'
import { whyNotAlive } from './vitality.ts'

const job = (waitedMs: number, runningMs: number): JobSnapshot => ({
  ...{ id: 'j', kind: 'deploy', label: 'l', client: 'c', image: '/i', state: 'running', phase: 'open' },
  ...{ waitedMs, runningMs },
})
const faults = (jobs: readonly JobSnapshot[], loopDelayMs = 50) => whyNotAlive({ jobs }, { jobTimeoutMs: 10_000, loopDelayMs }).length

test.each([
  ['nothing to do', [], 50, 0],
  ['a job within its time', [job(4_000, 5_000)], 50, 0],
  ['a job that lets go after its deadline', [job(4_000, 100_000)], 50, 0],
  ['one that goes on long after it', [job(4_000, 130_000)], 50, 1],
  ['one that waits for ever', [job(140_000, 0), job(0, 1)], 50, 1],
  ['a busy event loop', [], 1_500, 0],
  ['a stuck one', [], 3_000, 1],
])('%s', (_, jobs, loopDelayMs, count) => {
  expect(faults(jobs, loopDelayMs)).toBe(count)
})
