import { expect, test } from 'vitest'
import { median, medianItem, round } from './statistics.ts'

test('the median of odd and even counts, whatever the order', () => {
  expect(median([9, 1, 5])).toBe(5)
  expect(median([10, 1, 2, 4])).toBe(3)
  expect(() => median([])).toThrow(TypeError)
})

test('the item in the middle', () => {
  const items = [{ total: 3 }, { total: 1 }, { total: 2 }, { total: 4 }]
  expect(medianItem(items, ({ total }) => total)).toBe(items[2])
  expect(medianItem([], () => 0)).toBeUndefined()
})

test('rounded to a thousandth', () => {
  expect(round(1.23456)).toBe(1.235)
})
