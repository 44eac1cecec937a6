import type { StandardSchemaV1 } from '@host-deployer/driver-api'
import { expect, test } from 'vitest'
import { defineDriver } from './define-driver.ts'

const options: StandardSchemaV1<unknown, object> = { '~standard': { version: 1, vendor: 'test', validate: () => ({ value: {} }) } }
const rest = { options, probe: async () => ({ usable: true, findings: [] }), open: () => Promise.reject(new Error('not here')) }

test('adds the version of the contract', () => {
  expect(defineDriver({ name: 'x-1', ...rest })).toMatchObject({ apiVersion: 1, name: 'x-1' })
})

test.each(['', 'X', '1x', 'a_b', '../x'])('refuses the name %j', (name) => {
  expect(() => defineDriver({ name, ...rest })).toThrow(TypeError)
})

test('refuses options that are no schema', () => {
  expect(() => defineDriver({ name: 'x', ...rest, options: {} as typeof options })).toThrow(TypeError)
})

test('keeps prepare where it is there, and refuses one that is no function', async () => {
  const prepare = async () => ({ outcome: 'nothing', detail: 'none' }) as const
  expect(defineDriver({ name: 'x', ...rest, prepare }).prepare).toBe(prepare)
  expect(defineDriver({ name: 'x', ...rest })).not.toHaveProperty('prepare')
  expect(() => defineDriver({ name: 'x', ...rest, prepare: 1 as never })).toThrow(TypeError)
})
