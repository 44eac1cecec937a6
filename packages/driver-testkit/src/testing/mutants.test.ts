import { expect, it } from 'vitest'
import { allChecks } from '../all-checks.ts'
import { mutants } from './mutants.ts'

it('the checks that are to find mutants are checks there are', () => {
  const ids = new Set(allChecks.map(({ id }) => id))
  expect(Object.values(mutants).flatMap(({ found }) => found.filter((id) => !ids.has(id)))).toEqual([])
})

it('ids are unique and begin with their group', () => {
  expect(new Set(allChecks.map(({ id }) => id)).size).toBe(allChecks.length)
  for (const { id, group } of allChecks) expect(id.split('.')[0]).toBe(group)
})
