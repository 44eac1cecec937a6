import { expect, test } from 'vitest'
import { usualDelay } from './usual-delay.ts'

test.each([
  ['nothing was counted', { count: 0, mean: Number.NaN, max: 0 }, 0],
  ['the first was a long stop', { count: 1, mean: 9_000, max: 9_000 }, 0],
  ['a long stop among few', { count: 3, mean: 3_040, max: 9_000 }, 60],
  ['every one is long', { count: 3, mean: 3_000, max: 3_100 }, 2_950],
])('%s', (_, delays, expected) => {
  expect(usualDelay(delays)).toBe(expected)
})
