import { connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js'
import { createDeployClient, type DeployParamsInput, decodeErrorDetails, deployService, errorDetailsKey } from '@host-deployer/api/grpc'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ServedWire, serveWire } from './testing/serve.ts'

let wire: ServedWire
let client: Client
beforeAll(async () => {
  wire = await serveWire()
  client = new Client(`unix:${wire.socketPath}`, credentials.createInsecure(), {
    'grpc.default_authority': 'localhost',
    'grpc.max_send_message_length': -1,
  })
})
afterAll(async () => {
  client.close()
  await wire.stop()
})

const rpcs = Object.keys(deployService())
const send = (rpc: string, bytes: Uint8Array) =>
  new Promise<ServiceError | undefined>((resolve) => {
    client.makeUnaryRequest(
      `/apis.DeployAgent/${rpc}`,
      (value: Buffer) => value,
      (value) => value,
      Buffer.from(bytes),
      (error) => resolve(error ?? undefined),
    )
  })
const reasonOf = (error: ServiceError | undefined) => {
  const [bytes] = error?.metadata.get(errorDetailsKey) ?? []
  return bytes instanceof Uint8Array ? decodeErrorDetails(bytes)?.reason : undefined
}

/** The server goes on as if nothing had been. */
const stillServes = async () => {
  const good = createDeployClient(wire.socketPath)
  expect(await good.resizeFs({ disk_info: { path: '/i/a' } })).toEqual({})
  good.close()
}

test('any bytes: an answer that is none of a fault', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...rpcs), fc.uint8Array({ maxLength: 200 }), async (rpc, bytes) => {
      const error = await send(rpc, bytes)
      if (error !== undefined) expect(reasonOf(error)).toMatch(/^(INPUT_|DAEMON_NOT_IMPLEMENTED)/)
    }),
    { numRuns: 300 },
  )
  await stillServes()
})

test('a good message with bytes changed, cut and added', async () => {
  const method = deployService()['DeployGuestFs']
  const params: DeployParamsInput = {
    disk_info: { path: '/i/a', disk_id: 'x' },
    guest_desc: { name: 'web', uuid: 'u', nics: [{ mac: '00:22:33:44:55:66', ip: '10.0.0.1', masklen: 24, manual: true, mtu: 1500 }] },
    deploy_info: { is_init: true, password: 'x', deploys: [{ path: '/a', content: 'b' }], public_key: { public_key: '' } },
  }
  const good = method?.requestSerialize(params) ?? Buffer.alloc(0)
  const change = fc.record({ at: fc.nat(good.length), cut: fc.nat(5), bytes: fc.uint8Array({ maxLength: 6 }) })
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
      let bytes = good
      for (const { at, cut, bytes: added } of changes) bytes = Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + cut)])
      const error = await send('DeployGuestFs', bytes)
      if (error !== undefined) expect(reasonOf(error)).toMatch(/^(INPUT_|DAEMON_NOT_IMPLEMENTED)/)
    }),
    { numRuns: 300 },
  )
  await stillServes()
})

test.each(rpcs)('%s without anything is an error', async (rpc) => {
  const error = await send(rpc, new Uint8Array())
  expect([status.INVALID_ARGUMENT, status.UNIMPLEMENTED]).toContain(error?.code)
})

test('bytes that are no message', async () => {
  const error = await send('DeployGuestFs', Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]))
  expect(error?.code).toBe(status.INVALID_ARGUMENT)
  expect(reasonOf(error)).toBe('INPUT_MESSAGE_MALFORMED')
})

test.each([
  ['4 MiB and one', 4 * 1024 * 1024 + 1],
  ['7 MiB', 7 * 1024 * 1024],
])('a message of %s', async (_, size) => {
  const method = deployService()['DeployGuestFs']
  const empty = method?.requestSerialize({ disk_info: { path: '/i/a' }, deploy_info: { user_data: '' } }) ?? Buffer.alloc(0)
  const params = { disk_info: { path: '/i/a' }, deploy_info: { user_data: 'a'.repeat(size - empty.length) } }
  const error = await send('DeployGuestFs', method?.requestSerialize(params) ?? Buffer.alloc(0))
  expect(error?.code).toBe(status.RESOURCE_EXHAUSTED)
  expect(reasonOf(error)).toBe('INPUT_MESSAGE_TOO_LARGE')
})

test('a message of 64 MiB', async () => {
  const error = await send('DeployGuestFs', Buffer.alloc(64 * 1024 * 1024))
  expect(error?.code).toBe(status.RESOURCE_EXHAUSTED)
  await stillServes()
})

test('nearly 4 MiB of content arrive', async () => {
  const content = 'x'.repeat(4 * 1024 * 1024 - 200)
  const good = createDeployClient(wire.socketPath)
  await good.deployGuestFs({ disk_info: { path: '/i/a' }, deploy_info: { is_init: true, deploys: [{ path: '/a', content }] } })
  good.close()
  const { job, options } = wire.submitted.at(-1) ?? {}
  expect(job).toMatchObject({ kind: 'deploy' })
  expect(options?.weightBytes).toBeGreaterThan(content.length)
})

describe('a connection', () => {
  const open = () =>
    new Promise<Socket>((resolve) => {
      const socket = connect(wire.socketPath, () => resolve(socket))
      socket.on('error', () => {})
    })
  const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1')

  test('that brings no HTTP/2 at all, or breaks it off', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.uint8Array({ maxLength: 100 }),
        fc.constantFrom('end', 'break', 'wait'),
        async (greets, bytes, ends) => {
          const socket = await open()
          socket.resume()
          socket.write(greets ? Buffer.concat([preface, bytes]) : bytes)
          if (ends === 'end') socket.end()
          if (ends === 'wait') await new Promise((resolve) => setTimeout(resolve, 5))
          socket.destroy()
        },
      ),
      { numRuns: 200 },
    )
    await stillServes()
  })

  test('that ends while its call runs', async () => {
    const method = deployService()['ResizeFs']
    const bytes = method?.requestSerialize({ disk_info: { path: '/i/a' } }) ?? Buffer.alloc(0)
    for (let round = 0; round < 20; round += 1) {
      const socket = await open()
      const http2 = connectHttp2('http://localhost', { createConnection: () => socket })
      http2.on('error', () => {})
      const head = { ':method': 'POST', ':path': '/apis.DeployAgent/ResizeFs', 'content-type': 'application/grpc', te: 'trailers' }
      const stream = http2.request(head)
      stream.on('error', () => {})
      const length = Buffer.alloc(5)
      length.writeUInt32BE(bytes.length, 1)
      stream.end(Buffer.concat([length, bytes]))
      await new Promise((resolve) => setTimeout(resolve, round))
      socket.destroy()
    }
    await stillServes()
  })
})

test('a rpc that nobody knows', async () => {
  expect((await send('Nothing', new Uint8Array()))?.code).toBe(status.UNIMPLEMENTED)
})
