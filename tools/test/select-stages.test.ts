import { expect, test } from 'vitest'
import { selectStages } from './select-stages.ts'

const names = (set: string, ...args: string[]) => {
  const stages = selectStages(set, args, '/')
  return typeof stages === 'string' ? 'refused' : stages.map(({ name }) => name)
}

test('the gate runs everything, cheapest first', () => {
  expect(names('all')).toEqual([
    'rules',
    'errors',
    'types',
    'lint',
    'build',
    'importable',
    'packages',
    'unit',
    'appliance',
    'images',
    'system',
  ])
})

test('each repetition keeps its own results', () => {
  expect(names('e2e', '--repeat', '3', '--filter', 'x')).toEqual(['images', 'e2e-1', 'e2e-2', 'e2e-3'])
  expect(names('e2e')).toEqual(['images', 'e2e'])
  expect(names('soak', '--seed', '7')).toEqual(['images', 'soak-conformance', 'soak'])
})

test.each([
  ['nonsense'],
  ['all', '--wat'],
  ['unit', '--wat'],
  ['e2e', '--repeat', '0'],
  ['e2e', '--repeat', 'many'],
  ['e2e', '--filter', '('],
  ['soak', '--seed', 'x'],
])('refused: %s %s %s', (set, ...args) => {
  expect(names(set ?? '', ...args)).toBe('refused')
})
