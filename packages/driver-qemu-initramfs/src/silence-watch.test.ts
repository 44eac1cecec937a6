import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { watchSilence } from './silence-watch.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

test('silence counts from the last sound', () => {
  let calls = 0
  const watch = watchSilence(100, () => {
    calls += 1
  })
  vi.advanceTimersByTime(90)
  watch.heard()
  vi.advanceTimersByTime(90)
  expect(calls).toBe(0)
  vi.advanceTimersByTime(20)
  expect(calls).toBe(1)
})

test('a stopped watch never calls', () => {
  let calls = 0
  watchSilence(100, () => {
    calls += 1
  }).stop()
  vi.advanceTimersByTime(1000)
  expect(calls).toBe(0)
})
