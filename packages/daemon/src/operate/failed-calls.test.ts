import { expect, test } from 'vitest'
import { createFailedCalls } from './failed-calls.ts'

const error = { code: 'INPUT_INVALID', phase: null, message: 'm', hint: 'h' }
const call = { rpc: 'ResizeFs', job: null, status: 'INVALID_ARGUMENT', error, ms: 1, withoutSystem: false }

test('calls that no failed job tells of are kept, the last twenty', () => {
  const calls = createFailedCalls(() => [{ id: 'failed' }])
  calls.add({ ...call, job: 'good', status: 'OK', error: null })
  calls.add({ ...call, job: 'failed' })
  expect(calls.list()).toEqual([])
  calls.add(call)
  calls.add({ ...call, job: 'good', status: 'FAILED_PRECONDITION', error: { ...error, code: 'GROW_UNSUPPORTED', phase: 'diff' } })
  expect(calls.list()).toEqual([
    expect.objectContaining({ rpc: 'ResizeFs', job: 'good', status: 'FAILED_PRECONDITION', code: 'GROW_UNSUPPORTED', phase: 'diff' }),
    { rpc: 'ResizeFs', job: null, status: 'INVALID_ARGUMENT', ...error, at: expect.stringMatching(/^\d{4}-.*Z$/) },
  ])
  for (let n = 0; n < 30; n++) calls.add({ ...call, rpc: `n${n}` })
  expect(calls.list().map(({ rpc }) => rpc)).toEqual(Array.from({ length: 20 }, (_, n) => `n${29 - n}`))
})
