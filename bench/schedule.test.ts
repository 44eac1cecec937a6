import { expect, test } from 'vitest'
import { schedule, selectBenchmarks } from './schedule.ts'

const ours = { name: 'ours', pace: 'ours' } as const
const peer = { name: 'peer', pace: 'peer' } as const
const slow = { name: 'slow', pace: 'slow' } as const
const names = (rounds: readonly (readonly { name: string }[])[]) => rounds.map((round) => round.map(({ name }) => name).join(' '))

test('peers are spread among the rounds of ours', () => {
  expect(names(schedule([ours, peer], { runs: 6, peerRuns: 2 }))).toEqual(['ours', 'ours', 'ours peer', 'ours', 'ours', 'ours peer'])
  expect(names(schedule([ours, peer], { runs: 3, peerRuns: 1 }))).toEqual(['ours', 'ours', 'ours peer'])
})

test('each as often as asked, also when the peer runs more often or never', () => {
  for (const [runs, peerRuns] of [
    [10, 3],
    [1, 1],
    [2, 5],
    [4, 0],
  ] as const) {
    const flat = schedule([ours, peer, slow], { runs, peerRuns }).flat()
    const count = (name: string) => flat.filter((benchmark) => benchmark.name === name).length
    expect([count('ours'), count('peer'), count('slow')]).toEqual([runs, peerRuns, peerRuns])
  }
})

test('chosen by a row, by a part of one, or by the front of several', () => {
  const deploy = { rows: ['deploy', 'deployUnchanged'] } as const
  const nbd = { rows: ['openMountClose.nbd'] } as const
  const all = [deploy, nbd]
  expect(selectBenchmarks(all, [])).toEqual(all)
  expect(selectBenchmarks(all, ['deployUnchanged'])).toEqual([deploy])
  expect(selectBenchmarks(all, ['deploy.scan'])).toEqual([deploy])
  expect(selectBenchmarks(all, ['openMountClose'])).toEqual([nbd])
  expect(selectBenchmarks(all, ['deploy', 'deplox'])).toBe('deplox')
})
