import { constants, mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDeployClient, type DeployClient } from '@host-deployer/api/grpc'
import { DeployError } from '@host-deployer/driver-api'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseServeArguments } from './config/parse-serve-arguments.ts'
import { readConfig } from './config/read-config.ts'
import { createLogger } from './operate/create-logger.ts'
import { get } from './operate/testing/get.ts'
import { serve } from './serve.ts'

// The whole daemon in this process, its workers in theirs, with the driver of `work/testing`, whose answers are errors.

let base: string
let stop: AbortController
let stopNow: AbortController
let lines: Record<string, unknown>[]
let client: DeployClient

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'serve-'))
  await mkdir(join(base, 'images'))
  lines = []
  stop = new AbortController()
  stopNow = new AbortController()
  client = createDeployClient(join(base, 'deploy.sock'))
})
afterEach(async () => {
  client.close()
  await rm(base, { recursive: true })
})

async function write(changes: Readonly<Record<string, unknown>> = {}): Promise<void> {
  const settings = {
    socketPath: join(base, 'deploy.sock'),
    stateDirectory: join(base, 'state'),
    workDirectory: join(base, 'work'),
    cacheDirectory: join(base, 'cache'),
    imageRoots: [join(base, 'images')],
    driver: join(import.meta.dirname, 'work', 'testing', 'odd-driver.ts'),
    ...changes,
  }
  // At once: a file that is truncated and then written may be seen empty by a busy machine.
  await writeFile(join(base, 'settings.new'), JSON.stringify(settings))
  await rename(join(base, 'settings.new'), join(base, 'settings.yaml'))
}

/** Starts it; `ended` settles when it has ended. */
async function start(): Promise<{ readonly ended: Promise<void> }> {
  // No host.conf of this machine: the working directory has none, and a name that is given has to be there.
  await writeFile(join(base, 'host.conf'), '{}')
  const words = ['--config', join(base, 'host.conf'), '--settings', join(base, 'settings.yaml')]
  const reading = { given: parseServeArguments(words, 'serve'), env: {}, cwd: base }
  const read = await readConfig(reading)
  const logger = createLogger(read.config, { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) })
  const driverFrom = [import.meta.dirname, base] as const
  const ended = serve({ read, reading, version: '0.0.0', driverFrom, stop: stop.signal, stopNow: stopNow.signal, logger })
  await Promise.race([until(() => has('daemon.ready') || has('daemon.unready')), ended])
  return { ended }
}

const has = (event: string) => lines.some((line) => line['event'] === event)
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20))
}

async function image(name: string, content: string): Promise<string> {
  const path = join(base, 'images', name)
  await writeFile(path, content.padEnd(512, '\0'), { flag: constants.O_WRONLY | constants.O_CREAT })
  return path
}

const ask = (path: string): Promise<string> =>
  client.probeImageInfo({ disk_info: { path } }).then(
    () => 'done',
    (error: unknown) => (DeployError.isInstance(error) ? error.code : String(error)),
  )

const status = async () => JSON.parse((await get(join(base, 'state', 'admin.sock'), '/status')).body)

test('serves, drains, leaves nothing', async () => {
  await write()
  const { ended } = await start()
  expect(await ask(await image('a', 'answer 1'))).toBe('DRIVER_ODD_ANSWER')
  // The call's line says which job it was.
  const queued = lines.find(({ event }) => event === 'job.queued')
  expect(queued?.['job']).toEqual(expect.any(String))
  expect(lines.find(({ event }) => event === 'rpc.failed')).toMatchObject({ job: queued?.['job'], code: 'DRIVER_ODD_ANSWER' })
  expect(await status()).toMatchObject({ ready: true, alive: true, work: { jobs: [], failures: [{ code: 'DRIVER_ODD_ANSWER' }] } })
  // Refused before there was a job, and seen all the same.
  expect(await ask('no-absolute-path')).toBe('INPUT_INVALID')
  expect(lines.findLast(({ event }) => event === 'rpc.failed')).toMatchObject({
    code: 'INPUT_INVALID',
    message: expect.stringContaining('disk_info.path'),
  })
  expect((await status()).failedCalls).toMatchObject([{ rpc: 'ProbeImageInfo', job: null, code: 'INPUT_INVALID' }])
  expect((await get(join(base, 'state', 'admin.sock'), '/metrics')).body).toMatch(/^host_deployer_rpcs_total\{.*code="INPUT_INVALID"\} 1$/m)
  const answer = ask(await image('b', 'wait'))
  await until(async () => (await status()).work.jobs[0]?.phase === 'open')
  stop.abort()
  await until(() => has('daemon.stopping'))
  expect(await ask(await image('c', 'answer 1'))).toBe('DAEMON_STOPPING')
  await image('b', 'answer 1')
  expect(await answer).toBe('DRIVER_ODD_ANSWER')
  await ended
  expect(await readdir(join(base, 'state'))).toEqual([])
  expect(await readdir(join(base, 'work'))).toEqual([])
  expect(await readdir(base)).not.toContain('deploy.sock')
})

test('told to stop a second time, it cancels what runs', async () => {
  await write()
  const { ended } = await start()
  const answer = ask(await image('a', 'sleep 600000'))
  await until(async () => (await status()).work.jobs[0]?.phase === 'open')
  stop.abort()
  stopNow.abort()
  expect(await answer).toBe('DAEMON_STOPPING')
  await ended
})

test('an edited file counts for the next job; a wrong one changes nothing', async () => {
  await write()
  const { ended } = await start()
  const path = await image('a', 'answer 1')
  await write({ concurrency: 3, imageRoots: [join(base, 'other')] })
  await until(() => has('config.changed'))
  expect((await status()).work.slots.total).toBe(3)
  expect(await ask(path)).toBe('IMAGE_PATH_REFUSED')
  await write({ concurrency: 'many' })
  await until(() => has('config.refused'))
  expect((await status()).work.slots.total).toBe(3)
  stop.abort()
  await ended
})

test('what an edit brings up is logged once and stands in the status until an edit takes it back', async () => {
  const drivers = join(base, 'node_modules', '@host-deployer')
  await mkdir(drivers, { recursive: true })
  await symlink(join(import.meta.dirname, '..', '..', 'driver-nbd'), join(drivers, 'driver-nbd'))
  await write()
  const { ended } = await start()
  const findings = () => lines.filter(({ event }) => event === 'finding').map(({ code }) => code)
  const warnings = async () => (await status()).warnings.length
  const before = findings()
  expect(await warnings()).toBe(0)
  await write({ socketPath: join(base, 'other.sock') })
  await until(() => findings().length > before.length)
  expect(findings()).toEqual([...before, 'CONFIG_NEEDS_RESTART'])
  expect(await warnings()).toBe(1)
  await write({ socketPath: join(base, 'other.sock'), driver: 'nbd' })
  await until(() => findings().length > before.length + 1)
  expect(findings()).toEqual([...before, 'CONFIG_NEEDS_RESTART', 'CONFIG_IMAGES_TRUSTED'])
  expect(await warnings()).toBe(2)
  await write()
  await until(async () => (await warnings()) === 0)
  expect(findings()).toHaveLength(before.length + 2)
  stop.abort()
  await ended
})

test('an edit that names a driver that is not there, or options that it does not take, changes nothing', async () => {
  await write({ concurrency: 2 })
  const { ended } = await start()
  const path = await image('a', 'answer 1')
  const refusals = () => lines.filter(({ event }) => event === 'config.refused').map(({ error }) => (error as { code: string }).code)
  await write({ concurrency: 3, driver: './none.ts' })
  await until(() => refusals().length === 1)
  await write({ concurrency: 3, driverOptions: { usable: 'perhaps' } })
  await until(() => refusals().length === 2)
  expect(refusals()).toEqual(['DRIVER_NOT_FOUND', 'DRIVER_OPTIONS_INVALID'])
  expect(has('config.changed')).toBe(false)
  expect(await status()).toMatchObject({ ready: true, work: { slots: { total: 2 } } })
  expect(await ask(path)).toBe('DRIVER_ODD_ANSWER')
  // What is right again is taken, and so is an edit of something else beside options that are as they were.
  await write({ concurrency: 3, driverOptions: { usable: true } })
  await until(() => has('config.changed'))
  expect((await status()).work.slots.total).toBe(3)
  expect(await ask(path)).toBe('DRIVER_ODD_ANSWER')
  stop.abort()
  await ended
})

test('a driver that does not work now: alive, not ready, until it does', async () => {
  await write({ driverOptions: { usable: false } })
  const { ended } = await start()
  expect(await status()).toMatchObject({
    alive: true,
    ready: false,
    conditions: { socket: { met: true }, driver: { met: false }, accepting: { met: true } },
    driver: { usable: false, findings: [{ subject: 'odd', ok: false }] },
  })
  // Clients are answered, with what the job met.
  expect(await ask(await image('a', 'answer 1'))).toBe('DRIVER_ODD_ANSWER')
  expect(has('driver.prepared')).toBe(false)
  await write({ driverOptions: { usable: true } })
  await until(async () => (await status()).ready)
  await until(() => has('driver.prepared'))
  stop.abort()
  await ended
})

test.each([
  [{ driver: './none.ts' }, 'DRIVER_NOT_FOUND'],
  [{ driverOptions: { usable: 'perhaps' } }, 'DRIVER_OPTIONS_INVALID'],
])('a driver that no job could ever have (%j): no start, nothing left', async (changes, code) => {
  await write(changes)
  await expect(start().then(({ ended }) => ended)).rejects.toMatchObject({ code })
  expect(await readdir(join(base, 'state'))).toEqual([])
})

test('a second one of the same state does not start, and does the first no harm', async () => {
  await write()
  const { ended } = await start()
  await expect(start().then(({ ended: second }) => second)).rejects.toMatchObject({ code: 'DAEMON_ALREADY_RUNNING' })
  expect(await ask(await image('a', 'answer 1'))).toBe('DRIVER_ODD_ANSWER')
  stop.abort()
  await ended
})
