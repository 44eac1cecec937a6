import { isFree, listTree, processesHolding } from '@host-deployer/driver-testkit'
import { expect } from 'vitest'
import { type CloneFixture, codesOf, isClone, ourQemus } from './clones.test-support.ts'

/** How a session started. */
export interface Start {
  readonly clone: boolean
  readonly codes: readonly string[]
}

export const CLONE: Start = { clone: true, codes: [] }
export const BOOT: Start = { clone: false, codes: ['TEMPLATE_UNUSABLE'] }

export async function expectNothingLeft(fixture: CloneFixture): Promise<void> {
  expect(await ourQemus()).toEqual([])
  expect(await isFree(fixture.image)).toBe(true)
  expect(await processesHolding(fixture.directory)).toEqual([])
  expect(await listTree(fixture.workDirectory)).toEqual([])
  expect(await listTree(fixture.leaseDirectory)).toEqual([])
}

/** Opens and closes a session, of which nothing may be left, and says how it started. */
export async function startAndClose(fixture: CloneFixture, changes: Parameters<CloneFixture['open']>[0] = {}): Promise<Start> {
  const session = await fixture.open(changes)
  const outcome = { clone: isClone(session), codes: codesOf(session) }
  await session.close()
  await expectNothingLeft(fixture)
  return outcome
}
