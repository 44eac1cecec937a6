import { stat } from 'node:fs/promises'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js'
import type { GrowReport } from '@host-deployer/api'
import { createDeployClient, type DeployClient, decodeErrorDetails, deployService, errorDetailsKey } from '@host-deployer/api/grpc'
import { BlockError, DeployError, DiskError } from '@host-deployer/driver-api'
import { afterEach, describe, expect, test } from 'vitest'
import { growReport } from './testing/reports.ts'
import { type ServedWire, serveWire } from './testing/serve.ts'

const served: ServedWire[] = []
const clients: (DeployClient | Client)[] = []
const serve = async (...options: Parameters<typeof serveWire>) => {
  const wire = await serveWire(...options)
  served.push(wire)
  return wire
}
const clientOf = ({ socketPath }: ServedWire) => {
  const client = createDeployClient(socketPath)
  clients.push(client)
  return client
}
const rawClientOf = ({ socketPath }: ServedWire, authority = 'localhost') => {
  const client = new Client(`unix:${socketPath}`, credentials.createInsecure(), { 'grpc.default_authority': authority })
  clients.push(client)
  return client
}
const rawCall = (client: Client, path: string, bytes: Uint8Array) =>
  new Promise<Buffer | ServiceError>((resolve) => {
    client.makeUnaryRequest(
      path,
      (value: Buffer) => value,
      (value) => value,
      Buffer.from(bytes),
      (error, answer) => resolve(error ?? answer ?? Buffer.alloc(0)),
    )
  })

const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  for (const wire of served.splice(0)) await wire.stop()
})

const disk_info = { path: '/images/a.qcow2' }

test('the socket is for its owner and group, and gone after the stop', async () => {
  const wire = await serve()
  expect((await stat(wire.socketPath)).mode & 0o7777).toBe(0o660)
  await wire.server.stop(0)
  await expect(stat(wire.socketPath)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('a call that runs at the stop is answered, and nobody else waits for it', async () => {
  const { promise, reject } = Promise.withResolvers<never>()
  const wire = await serve({ answer: () => promise })
  const silent = connect(wire.socketPath).resume()
  const silentEnded = new Promise<void>((resolve) => void silent.once('close', () => resolve()))
  await new Promise<void>((resolve) => void silent.once('connect', () => resolve()))
  const call = clientOf(wire).probeImageInfo({ disk_info })
  await until(() => wire.submitted.length === 1)
  const stopped = wire.server.stop(60_000)
  await silentEnded
  reject(new DiskError('IMAGE_LOCKED', 'Somebody has it', { hint: 'Wait.' }))
  await expect(call).rejects.toMatchObject({ code: 'IMAGE_LOCKED' })
  await stopped
})

test('every rpc becomes a job', async () => {
  const wire = await serve()
  const client = clientOf(wire)
  expect(await client.deployGuestFs({ disk_info, guest_desc: { uuid: 'u' }, deploy_info: { password: 'x' } })).toMatchObject({
    distro: 'Debian',
    version: '12.11',
    arch: 'x86_64',
    os: 'Linux',
    account: 'root',
    telegraf_deployed: false,
  })
  expect(await client.resizeFs({ disk_info })).toEqual({})
  expect(await client.formatFs({ disk_info, fs_format: 'ext4' })).toEqual({})
  expect(await client.saveToGlance({ disk_info })).toMatchObject({ os_info: 'Linux', release_info: { distro: 'Debian' } })
  expect(await client.saveToGlance({ disk_info, compress: true })).toMatchObject({ os_info: 'Linux' })
  expect(await client.probeImageInfo({ disk_info })).toEqual({
    os_info: { distro: 'Debian', version: '12.11', arch: 'x86_64', language: '', current_version: '' },
    os_type: 'Linux',
    is_uefi_support: true,
    is_bios_support: true,
    is_lvm_partition: false,
    is_readonly: false,
    physical_partition_type: 'gpt',
    is_installed_cloud_init: true,
  })
  expect(wire.submitted.map(({ job, options }) => [options.label, job.kind])).toEqual([
    ['DeployGuestFs', 'deploy'],
    ['ResizeFs', 'grow'],
    ['FormatFs', 'format'],
    ['SaveToGlance', 'probe'],
    ['SaveToGlance', 'deploy'],
    ['ProbeImageInfo', 'probe'],
  ])
  expect(wire.submitted[4]?.job).toMatchObject({ request: { seal: true } })
  expect(wire.calls.map((call) => call.status)).toEqual(Array(6).fill('OK'))
  expect(wire.calls.map(({ job }) => job)).toEqual([1, 2, 3, 4, 5, 6].map((number) => `job-${number}`))
})

test.each(['ConnectEsxiDisks', 'DisconnectEsxiDisks', 'SetOvmfBootOrder'])('%s is not there yet', async (rpc) => {
  const wire = await serve()
  const answer = await rawCall(rawClientOf(wire), `/apis.DeployAgent/${rpc}`, new Uint8Array())
  expect(answer).toMatchObject({ code: status.UNIMPLEMENTED })
  expect(wire.submitted).toEqual([])
})

test('a client that sends the path of the socket as authority, as those of the field do', async () => {
  const wire = await serve()
  const answer = await rawCall(rawClientOf(wire, '/var/run/onecloud/deploy.sock'), '/apis.DeployAgent/ProbeImageInfo', new Uint8Array())
  expect(answer).toMatchObject({ code: status.INVALID_ARGUMENT })
})

describe('an error', () => {
  const failed = Object.assign(new DiskError('IMAGE_LOCKED', 'Somebody has it', { hint: 'Wait.', context: { password: 'hunter2' } }), {
    phase: 'open' as const,
  })

  test('has status, code, phase and hint, and nothing of the context', async () => {
    const wire = await serve({ answer: () => Promise.reject(failed) })
    const client = rawClientOf(wire)
    const answer = (await rawCall(client, '/apis.DeployAgent/ProbeImageInfo', Buffer.from([10, 4, 10, 2, 0x2f, 0x61]))) as ServiceError
    expect(answer.code).toBe(status.ABORTED)
    expect(answer.details.startsWith('open: ')).toBe(true)
    const [bytes] = answer.metadata.get(errorDetailsKey)
    expect(decodeErrorDetails(bytes as Buffer)).toMatchObject({ reason: 'IMAGE_LOCKED', metadata: { phase: 'open', hint: 'Wait.' } })
    expect(JSON.stringify(answer.metadata.toJSON()) + answer.message).not.toContain('hunter2')
    expect(wire.calls).toMatchObject([{ rpc: 'ProbeImageInfo', job: 'job-1', status: 'ABORTED', error: { code: 'IMAGE_LOCKED' } }])
  })

  test('before there is a job is told to who watches', async () => {
    const wire = await serve()
    await expect(clientOf(wire).resizeFs({ disk_info: { path: 'x', disk_id: 'hunter2' } })).rejects.toMatchObject({ code: 'INPUT_INVALID' })
    const error = { code: 'INPUT_INVALID', phase: null, message: expect.stringContaining('disk_info.path'), hint: expect.any(String) }
    expect(wire.calls).toMatchObject([{ rpc: 'ResizeFs', job: null, status: 'INVALID_ARGUMENT', error }])
    expect(JSON.stringify(wire.calls)).not.toContain('hunter2')
  })

  test('comes out of our client as it went in', async () => {
    const wire = await serve({ answer: () => Promise.reject(failed) })
    await expect(clientOf(wire).resizeFs({ disk_info })).rejects.toMatchObject({ code: 'IMAGE_LOCKED', phase: 'open', hint: 'Wait.' })
  })

  test('that is a fault of ours says nothing, and the log does', async () => {
    const wire = await serve({ answer: () => Promise.reject(new TypeError('secret of the request')) })
    const error = await clientOf(wire)
      .resizeFs({ disk_info })
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'DAEMON_FAULT' })
    expect(String(error)).not.toContain('secret')
    expect(wire.calls).toMatchObject([
      { status: 'INTERNAL', error: { code: 'DAEMON_FAULT', message: expect.not.stringContaining('secret') } },
    ])
    expect(wire.lines.map(({ event }) => event)).toContain('rpc.fault')
  })
})

describe('no operating system', () => {
  const none = async () => {
    throw new BlockError('BLOCK_NO_ROOT', 'Nothing there')
  }

  test('is an empty success for a first deploy, a probe and a template; an error for other deploys', async () => {
    const wire = await serve({ answer: none })
    const client = clientOf(wire)
    const empty = await client.deployGuestFs({ disk_info, guest_desc: { uuid: 'u' }, deploy_info: { is_init: true, password: 'x' } })
    expect(Object.values(empty).filter((value) => value !== '' && value !== false)).toEqual([])
    expect(wire.calls).toMatchObject([{ status: 'OK', withoutSystem: true }])
    expect(wire.lines.map(({ event }) => event)).toContain('rpc.without-system')
    expect(await client.probeImageInfo({ disk_info })).toMatchObject({ os_info: null, os_type: '' })
    expect(await client.saveToGlance({ disk_info, compress: true })).toEqual({ os_info: '', release_info: null })
    await expect(client.deployGuestFs({ disk_info, deploy_info: {} })).rejects.toMatchObject({ code: 'BLOCK_NO_ROOT' })
  })
})

test('a password that anybody could decrypt from the answer is not set', async () => {
  const wire = await serve()
  const client = clientOf(wire)
  const missing = { code: 'INPUT_INVALID', message: expect.stringContaining('guest_desc.uuid') }
  await expect(client.deployGuestFs({ disk_info, deploy_info: { password: 'x' } })).rejects.toMatchObject(missing)
  expect(wire.submitted).toEqual([])
  const public_key = { public_key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJ' }
  expect(await client.deployGuestFs({ disk_info, deploy_info: { password: 'x', public_key } })).toMatchObject({ account: 'root' })
})

describe('no root', () => {
  const noRoot = (types: readonly string[], { empty = [] as readonly string[], diagnostics = [] as readonly object[] } = {}) =>
    new BlockError('BLOCK_NO_ROOT', 'Nothing there', {
      context: { filesystems: types.map((type) => ({ type, device: `/dev/${type}` })), empty, diagnostics },
    })
  const clientWith = async (error: BlockError) => {
    const wire = await serve({ answer: () => Promise.reject(error) })
    return { wire, client: clientOf(wire) }
  }
  const deploy_info = { is_init: true, password: 'x' }
  const deploy_uuid = { guest_desc: { uuid: 'u' } }
  const unsupported = { code: 'GUEST_UNSUPPORTED' }

  test.each(['ntfs', 'crypto_LUKS', 'linux_raid_member', 'squashfs', 'reiserfs', 'jfs', 'zfs_member', 'a kind of tomorrow'])(
    'on a disk with %s is no disk without an operating system',
    async (type) => {
      const { wire, client } = await clientWith(noRoot(['vfat', type]))
      await expect(client.deployGuestFs({ disk_info, ...deploy_uuid, deploy_info })).rejects.toMatchObject(unsupported)
      await expect(client.probeImageInfo({ disk_info })).rejects.toMatchObject(unsupported)
      await expect(client.saveToGlance({ disk_info, compress: true })).rejects.toMatchObject(unsupported)
      expect(wire.calls.map(({ status: name }) => name)).toEqual(Array(3).fill('FAILED_PRECONDITION'))
    },
  )

  test.each<readonly [string, BlockError]>([
    ['files and no system: Android, CoreOS, data', noRoot(['ext4'])],
    ['one empty file system, and one with files', noRoot(['ext4', 'xfs'], { empty: ['/dev/ext4'] })],
    ['no file system but one that is never looked into', noRoot(['vfat'])],
    ['volumes that lack a disk', noRoot(['LVM2_member'], { diagnostics: [{ code: 'BLOCK_LVM_INCOMPLETE' }] })],
    ['a table that is not read', noRoot([], { diagnostics: [{ code: 'BLOCK_TABLE_UNSUPPORTED' }] })],
  ])('is no success of a first deploy with %s, and is of a look at it', async (_, error) => {
    const { wire, client } = await clientWith(error)
    await expect(client.deployGuestFs({ disk_info, ...deploy_uuid, deploy_info })).rejects.toMatchObject(unsupported)
    expect(wire.calls).toMatchObject([{ status: 'FAILED_PRECONDITION', withoutSystem: false }])
    expect(await client.probeImageInfo({ disk_info })).toMatchObject({ os_type: '' })
    expect(await client.saveToGlance({ disk_info })).toMatchObject({ os_info: '' })
  })

  test.each<readonly [string, BlockError]>([
    ['nothing at all', noRoot([])],
    ['empty file systems and swap', noRoot(['ext4', 'swap'], { empty: ['/dev/ext4'] })],
    ['an empty volume', noRoot(['LVM2_member', 'xfs'], { empty: ['/dev/xfs'] })],
  ])('is a success of a first deploy with %s', async (_, error) => {
    const { wire, client } = await clientWith(error)
    expect(await client.deployGuestFs({ disk_info, ...deploy_uuid, deploy_info })).toMatchObject({ os: '', account: '' })
    expect(wire.calls).toMatchObject([{ status: 'OK', withoutSystem: true }])
  })
})

describe('a larger disk', () => {
  const report = (changed: boolean, ...codes: string[]): GrowReport => ({
    ...growReport,
    changed,
    diagnostics: codes.map((code) => ({ severity: 'warning', code, summary: 'why', path: '/dev/sda1' })),
  })
  const resize = async (answer: GrowReport) => clientOf(await serve({ answer: async () => answer })).resizeFs({ disk_info })

  test.each(['GROW_UNSUPPORTED', 'GROW_NOT_LAST', 'GROW_MBR_LIMIT'])('on which nothing can grow is an error: %s', async (code) => {
    const wire = await serve({ answer: async () => report(false, 'KVM_UNUSABLE', code) })
    const failed = { code, phase: 'diff', message: expect.stringContaining('/dev/sda1: why'), hint: expect.any(String) }
    await expect(clientOf(wire).resizeFs({ disk_info })).rejects.toMatchObject(failed)
    expect(wire.calls).toMatchObject([{ status: 'FAILED_PRECONDITION', error: { code } }])
  })

  test('that is full already, or has grown as far as it can, is a success', async () => {
    expect(await resize(report(false, 'KVM_UNUSABLE'))).toEqual({})
    expect(await resize(report(true, 'GROW_MBR_LIMIT'))).toEqual({})
  })
})

describe('a client', () => {
  const forever = ({ options }: { options: { signal?: AbortSignal } }) =>
    new Promise((_, reject) => {
      options.signal?.addEventListener('abort', () => reject(new DeployError('ABORTED', 'x')))
    })

  test('that cancels ends its job', async () => {
    const wire = await serve({ answer: forever })
    const controller = new AbortController()
    const call = clientOf(wire).resizeFs({ disk_info }, { signal: controller.signal })
    await expect.poll(() => wire.submitted.length).toBe(1)
    controller.abort()
    await expect(call).rejects.toMatchObject({ code: 'ABORTED' })
    await expect.poll(() => wire.submitted[0]?.options.signal?.aborted).toBe(true)
  })

  test('whose connection breaks ends its job', async () => {
    const wire = await serve({ answer: forever })
    const socket = connect(wire.socketPath)
    const http2 = connectHttp2('http://localhost', { createConnection: () => socket })
    http2.on('error', () => {})
    const head = { ':method': 'POST', ':path': '/apis.DeployAgent/ResizeFs', 'content-type': 'application/grpc', te: 'trailers' }
    const message = deployService()['ResizeFs']?.requestSerialize({ disk_info }) ?? Buffer.alloc(0)
    http2
      .request(head)
      .on('error', () => {})
      .end(Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]))
    await expect.poll(() => wire.submitted.length).toBe(1)
    socket.destroy()
    await expect.poll(() => wire.submitted[0]?.options.signal?.aborted).toBe(true)
  })

  test('is cut off by the stop of the server, and its job ended', async () => {
    const wire = await serve({ answer: forever })
    const call = clientOf(wire).resizeFs({ disk_info })
    const failed = expect(call).rejects.toBeInstanceOf(Error)
    await expect.poll(() => wire.submitted.length).toBe(1)
    await wire.server.stop(0)
    await failed
    await expect.poll(() => wire.submitted[0]?.options.signal?.aborted).toBe(true)
  })

  test('hands its deadline on', async () => {
    const wire = await serve({ answer: forever })
    const [client, cancel] = [clientOf(wire), new AbortController()]
    const startMs = performance.now()
    const call = client.resizeFs({ disk_info }, { timeoutMs: 60_000, signal: cancel.signal })
    const failed = expect(call).rejects.toMatchObject({ code: 'ABORTED' })
    await expect.poll(() => wire.submitted.length).toBe(1)
    const seenMs = performance.now()
    // Between two moments that it was told at, give or take the milliseconds of the wire and of two clocks.
    const deadlineMs = wire.submitted[0]?.options.deadlineMs ?? 0
    expect(deadlineMs).toBeGreaterThan(startMs + 60_000 - 50)
    expect(deadlineMs).toBeLessThan(seenMs + 60_000 + 50)
    cancel.abort()
    await failed
    await expect(client.resizeFs({ disk_info }, { timeoutMs: 300 })).rejects.toMatchObject({ code: 'TIMEOUT_CALL' })
    // On a machine that is slow enough the second call was over before it came.
    await expect.poll(() => wire.submitted.every(({ options }) => options.signal?.aborted)).toBe(true)
  })

  test('is known by its connection', async () => {
    const wire = await serve()
    const [one, two] = [clientOf(wire), clientOf(wire)]
    await Promise.all([one.resizeFs({ disk_info }), one.resizeFs({ disk_info })])
    await one.resizeFs({ disk_info })
    // A channel of the same target is shared within a process: the second one has to come after the first is closed.
    one.close()
    await two.resizeFs({ disk_info })
    const names = wire.submitted.map(({ options }) => options.client)
    expect(new Set(names.slice(0, 3)).size).toBe(1)
    expect(names[3]).not.toBe(names[0])
  })
})

test('health follows what it is told, and reflection knows the service', async () => {
  const wire = await serve()
  const client = rawClientOf(wire)
  const check = async () => (await rawCall(client, '/grpc.health.v1.Health/Check', Buffer.alloc(0))) as Buffer
  expect([...(await check())]).toEqual([8, 2])
  wire.server.setServing(true)
  expect([...(await check())]).toEqual([8, 1])
  const names = await new Promise<string>((resolve, reject) => {
    const call = client.makeBidiStreamRequest(
      '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
      (value: Buffer) => value,
      (value: Buffer) => value,
    )
    call.on('data', (value: Buffer) => {
      resolve(value.toString('latin1'))
      call.end()
    })
    call.on('error', reject)
    // list_services = 7
    call.write(Buffer.from([0x3a, 0]))
  })
  expect(names).toContain('apis.DeployAgent')
})
