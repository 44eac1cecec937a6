import { deserialize, serialize } from 'node:v8'
import { Secret } from '@host-deployer/api'
import { DeployError, DriverError } from '@host-deployer/driver-api'
import { expect, test } from 'vitest'
import { packError, unpackError } from './pack-error.ts'
import { packSecrets, unpackSecrets } from './pack-secrets.ts'
import { sendable } from './sendable.ts'

// What Node does to messages of `serialization: 'advanced'`.
const travel = (value: unknown): unknown => deserialize(serialize(value))

test('secrets are secrets again on the other side, wherever they stand', () => {
  const request = {
    users: [{ name: 'a', password: { type: 'plain', value: new Secret('canary-1') } }, { default: true }],
    seed: { userData: new Secret('canary-2') },
    write_files: [{ path: '/x', content: new Uint8Array([0, 255]), permissions: 0o644 }],
    network: { version: 2, ethernets: { secret: { 'dhcp4-overrides': { secret: 'no secret' } } } },
    nothing: null,
  }
  const back = unpackSecrets(travel(packSecrets(request))) as typeof request
  expect(back.users[0]).toMatchObject({ name: 'a' })
  expect(back.seed.userData).toBeInstanceOf(Secret)
  expect(back.seed.userData.reveal()).toBe('canary-2')
  expect(back.users[0]?.password?.value.reveal()).toBe('canary-1')
  expect([...(back.write_files[0]?.content ?? [])]).toEqual([0, 255])
  expect(back.network).toEqual(request.network)
  expect(JSON.stringify(back)).not.toMatch(/canary/)
})

test('an error keeps code, hint, phase, context, findings', () => {
  const error = new DriverError('DRIVER_X', 'text', {
    hint: 'do',
    retry: 'may-help',
    context: { path: '/x', nested: { list: [1n, 'a'], secret: new Secret('canary'), call: () => 1 }, cause: new Error('why') },
  })
  error.phase = 'open'
  error.diagnostics.push({ severity: 'info', code: 'A', summary: 'b' })
  error.cleanupErrors.push(new Error('left'))
  const back = unpackError(travel(packError(error)) as ReturnType<typeof packError>)
  expect(DeployError.isInstance(back)).toBe(true)
  expect(back).toMatchObject({ code: 'DRIVER_X', hint: 'do', retry: 'may-help', phase: 'open', cleanupErrors: ['left'] })
  expect(back.context).toEqual({ path: '/x', nested: { list: [1n, 'a'], secret: '[secret]', call: undefined }, cause: 'why' })
  expect(back.diagnostics).toEqual(error.diagnostics)
})

test('anything else that is thrown is a fault of ours', () => {
  expect(packError(new TypeError('x')).code).toBe('INTERNAL')
  expect(packError('x')).toMatchObject({ code: 'INTERNAL', message: 'x' })
})

test('a log line never fails for what is in it', () => {
  const circle: Record<string, unknown> = { text: 'a' }
  circle['self'] = circle
  const hostile = {
    toJSON() {
      throw new Error('no')
    },
  }
  expect(() => travel(sendable({ circle, hostile, map: new Map(), symbol: Symbol('x'), call: () => 1 }))).not.toThrow()
  expect(sendable({ hostile, number: 1 })).toEqual({ hostile: undefined, number: 1 })
})
