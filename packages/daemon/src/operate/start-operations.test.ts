import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hostPath, type Probe } from '@host-deployer/driver-api'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { DaemonConfig } from '../config/daemon-config.ts'
import { createLogger } from './create-logger.ts'
import { type Operations, startOperations } from './start-operations.ts'
import type { StatusDocument } from './status-document.ts'
import { get } from './testing/get.ts'
import { idle, type ScriptedWork, scriptedWork } from './testing/scripted-work.ts'

let directory: string
let work: ScriptedWork
let operations: Operations
let found: Probe | Error
let socket: string

const usable: Probe = {
  usable: true,
  findings: [
    { subject: 'qemu', ok: true, detail: 'QEMU 7.2' },
    {
      subject: 'template',
      ok: true,
      detail: 'a clone',
      data: { start: 'clone', template: 'present', sizeBytes: 1024, ageMs: 2000, cloneMs: 500 },
    },
  ],
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hd-ops-'))
  socket = join(directory, 'admin.sock')
  work = scriptedWork()
  found = usable
  const config: DaemonConfig = {
    socketPath: hostPath(join(directory, 'deploy.sock')),
    adminSocketPath: hostPath(socket),
    concurrency: 5,
    queueLimit: 1000,
    driver: 'qemu-initramfs',
    driverOptions: { password: 'cAnAry' },
    workDirectory: hostPath(directory),
    stateDirectory: hostPath(directory),
    cacheDirectory: hostPath(directory),
    imageRoots: [hostPath('/images')],
    jobTimeoutMs: 600_000,
    drainTimeoutMs: 120_000,
    cloudrootDir: '/opt',
    privateNetworks: [],
    metadataIpv4Addresses: [],
    metadataIpv6Addresses: [],
    allowVmSelinux: true,
    ext4LargefileSizeGib: 4096,
    ext4HugefileSizeGib: 512,
    logLevel: 'info',
    spareWorkers: 1,
  }
  operations = await startOperations({
    config: () => config,
    work,
    probe: async () => {
      if (found instanceof Error) throw found
      return found
    },
    version: '1.2.3',
    logger: createLogger(config, { write: () => undefined }),
    warnings: () => ['images are trusted'],
  })
})
afterEach(async () => {
  await operations.close()
  await rm(directory, { recursive: true })
})

const status = async () => JSON.parse((await get(socket, '/status')).body) as StatusDocument

test('the admin socket is for owner and group, and goes with the daemon', async () => {
  expect((await stat(socket)).mode & 0o7777).toBe(0o660)
  await operations.close()
  expect(await readdir(directory)).toEqual([])
})

test('ready once the gRPC socket is served, the driver works and jobs are taken; not ready when one of them ends', async () => {
  const ready = async () => (await get(socket, '/readyz')).status
  expect(await ready()).toBe(503)
  operations.health.set('socket')
  expect(await ready()).toBe(200)
  expect(operations.health.serving).toBe(true)

  found = { usable: false, findings: [{ subject: 'qemu', ok: false, detail: 'missing' }] }
  await operations.driver.refresh()
  expect(await ready()).toBe(503)
  found = usable
  await operations.driver.refresh()
  expect(await ready()).toBe(200)

  work.now = { ...idle, accepting: false }
  expect(await ready()).toBe(503)
  expect((await status()).conditions).toMatchObject({ socket: { met: true }, driver: { met: true }, accepting: { met: false } })
})

test('a probe that throws is a driver that does not work, and the daemon stays alive', async () => {
  found = new TypeError('a fault of the driver')
  await operations.driver.refresh()
  expect((await status()).driver).toMatchObject({ usable: false })
  expect((await get(socket, '/healthz')).status).toBe(200)
})

test('not alive when a job goes on long after its deadline', async () => {
  const job = { id: 'j1', kind: 'deploy', label: 'l', client: 'c', image: '/i', state: 'cancelling', phase: 'close', waitedMs: 0 } as const
  work.now = { ...idle, jobs: [{ ...job, runningMs: 600_000 + 60_000 }] }
  expect((await get(socket, '/healthz')).status).toBe(200)
  work.now = { ...idle, jobs: [{ ...job, runningMs: 600_000 + 180_000 }] }
  expect((await get(socket, '/healthz')).status).toBe(503)
  expect((await status()).faults).toHaveLength(1)
})

test('status shows work, driver, template and settings, and not the options of the driver', async () => {
  const { body, type } = await get(socket, '/status?x=1')
  expect(type).toBe('application/json')
  expect(body).not.toContain('cAnAry')
  expect(JSON.parse(body)).toMatchObject({
    schemaVersion: 1,
    version: '1.2.3',
    pid: process.pid,
    alive: true,
    config: { concurrency: 5, imageRoots: ['/images'] },
    driver: { name: 'qemu-initramfs', usable: true, template: { state: 'present', sizeBytes: 1024 } },
    warnings: ['images are trusted'],
    work: idle,
  })
})

test('a call that was refused is in status and metrics', async () => {
  const error = { code: 'INPUT_INVALID', phase: null, message: 'm', hint: 'h' }
  operations.observe({ rpc: 'FormatFs', job: null, status: 'INVALID_ARGUMENT', error, ms: 1, withoutSystem: false })
  expect((await status()).failedCalls).toMatchObject([{ rpc: 'FormatFs', job: null, status: 'INVALID_ARGUMENT', ...error }])
  const { body } = await get(socket, '/metrics')
  expect(body).toContain('host_deployer_rpcs_total{rpc="FormatFs",status="INVALID_ARGUMENT",code="INPUT_INVALID"} 1\n')
})

test('metrics in the text format, anything else refused', async () => {
  const { status: code, type, body } = await get(socket, '/metrics')
  expect([code, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
  expect(body).toContain('host_deployer_slots 5\n')
  expect((await get(socket, '/metrics', 'HEAD')).body).toBe('')
  expect((await get(socket, '/metrics', 'POST')).status).toBe(405)
  expect((await get(socket, '/../etc/passwd')).status).toBe(404)
})
