import { CleanupError, DriverError } from '@host-deployer/driver-api'
import { expect, test } from 'vitest'
import { createResourceStack } from './resource-stack.ts'

test('releases in reverse order, once', async () => {
  const log: string[] = []
  const stack = createResourceStack()
  stack.defer('a', () => void log.push('a'))
  stack.defer('b', async () => void log.push('b'))
  await stack.release()
  await stack.release()
  expect(log).toEqual(['b', 'a'])
})

test('one failure does not stop the others and is reported', async () => {
  const log: string[] = []
  const stack = createResourceStack()
  stack.defer('a', () => void log.push('a'))
  stack.defer('b', () => {
    throw new Error('stuck')
  })
  await expect(stack.release()).rejects.toMatchObject({ code: 'CLEANUP_RESIDUE', context: { what: 'b' } })
  expect(log).toEqual(['a'])
  await stack.release()
})

test('several failures come together, the first acquired last', async () => {
  const stack = createResourceStack()
  stack.defer('a', () => Promise.reject(new CleanupError('CLEANUP_FLUSH_FAILED', 'x')))
  stack.defer('b', () => Promise.reject(new Error('y')))
  const error = await stack.release().catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(CleanupError)
  expect((error as CleanupError).cleanupErrors).toMatchObject([{ code: 'CLEANUP_RESIDUE' }, { code: 'CLEANUP_FLUSH_FAILED' }])
})

test('an error on the way out keeps its place, failures of the release are attached', async () => {
  const stack = createResourceStack()
  stack.defer('a', () => Promise.reject(new Error('stuck')))
  const first = new DriverError('DRIVER_X', 'the reason')
  expect(await stack.releaseAfter(first)).toBe(first)
  expect(first.cleanupErrors).toMatchObject([{ code: 'CLEANUP_RESIDUE' }])
})

test('await using releases', async () => {
  const log: string[] = []
  {
    await using stack = createResourceStack()
    stack.defer('a', () => void log.push('a'))
  }
  expect(log).toEqual(['a'])
})
