import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { becomesTrue } from './becomes-true.ts'

test('looks until it is so, or until the time is over or nobody waits any more', async () => {
  let looks = 0
  const isThird = async (): Promise<boolean> => ++looks === 3
  expect([await becomesTrue(isThird, 10_000), looks]).toEqual([true, 3])
  expect(await becomesTrue(async () => false, 20)).toBe(false)
  expect(await becomesTrue(async () => false, 60_000, AbortSignal.timeout(20))).toBe(false)
})

test('looks that take long leave most of the time to others', async () => {
  let looks = 0
  const longLook = async (): Promise<boolean> => {
    looks += 1
    await delay(50)
    return false
  }
  expect(await becomesTrue(longLook, 400)).toBe(false)
  // One takes 50 ms and is followed by three times as much; without that there would be five at least.
  expect(looks).toBeLessThanOrEqual(3)
})
