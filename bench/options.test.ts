import { expect, test } from 'vitest'
import { parseOptions } from './options.ts'

test('many runs, few with --quick, those asked for in any case', () => {
  expect(parseOptions([])).toMatchObject({ runs: 10, peerRuns: 10, quick: false, check: false, only: [], concurrencyImages: 20 })
  expect(parseOptions(['--quick', '--check'])).toMatchObject({ runs: 3, peerRuns: 1, quick: true, check: true, concurrencyImages: 8 })
  expect(parseOptions(['--quick', '--runs', '7'])).toMatchObject({ runs: 7, peerRuns: 1 })
})

test('rows by commas and by repetition', () => {
  expect(parseOptions(['--only', 'deploy,probe', '--only=memory']).only).toEqual(['deploy', 'probe', 'memory'])
})

test('what is no number and what is no option', () => {
  for (const args of [['--runs', '0'], ['--peer-runs=x'], ['--concurrency-images=-1'], ['--run=1'], ['deploy']])
    expect(() => parseOptions(args)).toThrow(TypeError)
})
