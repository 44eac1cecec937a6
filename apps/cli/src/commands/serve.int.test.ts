import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDeployClient } from '@host-deployer/api/grpc'
import type { StatusDocument } from '@host-deployer/daemon'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { listenForNotifications, type NotifyListener } from '../../../../packages/daemon/src/operate/testing/notify-listener.ts'

const main = join(import.meta.dirname, '..', 'main.ts')
/** Does what the image says. */
const driver = join(import.meta.dirname, '../../../../packages/daemon/src/work/testing/odd-driver.ts')
const node = ['--conditions=@host-deployer/source', main]

let directory: string
let systemd: NotifyListener
const running: ChildProcess[] = []
const at = (name: string) => join(directory, name)

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hd-serve-'))
  systemd = await listenForNotifications(at('notify'))
  const settings = {
    socketPath: at('deploy.sock'),
    stateDirectory: at('state'),
    cacheDirectory: at('cache'),
    workDirectory: at('work'),
    imageRoots: [directory],
    driver,
  }
  await writeFile(at('settings.yaml'), JSON.stringify(settings))
  await writeFile(at('host.conf'), '')
})
afterEach(async () => {
  for (const child of running.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  await systemd.close()
  await rm(directory, { recursive: true, force: true })
})

interface Daemon {
  readonly child: ChildProcess
  /** Its exit code, with all of its lines read. */
  readonly ended: Promise<unknown>
  lines(): readonly Record<string, unknown>[]
}

async function start(): Promise<Daemon> {
  const child = spawn(process.execPath, [...node, 'serve', '--config', at('host.conf'), '--settings', at('settings.yaml')], {
    env: { PATH: process.env['PATH'], NOTIFY_SOCKET: at('notify'), XDG_CACHE_HOME: at('xdg') },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  running.push(child)
  let text = ''
  child.stderr?.on('data', (part: Buffer) => {
    text += part.toString()
  })
  const lines = () =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  const ended = once(child, 'close').then(([code]: unknown[]) => code)
  const early = ended.then(() => Promise.reject(new TypeError(`the daemon has ended: ${text}`)))
  early.catch(() => {})
  expect(await Promise.race([systemd.next(), early])).toMatch(/^READY=1\n/)
  return { child, ended, lines }
}

async function command(...args: readonly string[]): Promise<{ readonly code: number | null; readonly out: string }> {
  const child = spawn(process.execPath, [...node, ...args, '--settings', at('settings.yaml'), '--config', at('host.conf')], {
    env: { PATH: process.env['PATH'], XDG_CACHE_HOME: at('xdg') },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let out = ''
  child.stdout.on('data', (part: Buffer) => {
    out += part.toString()
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out }
}

const status = async () => JSON.parse((await command('status', '--json')).out) as StatusDocument

async function image(name: string, text: string): Promise<string> {
  const bytes = Buffer.alloc(1 << 20)
  bytes.write(text)
  await writeFile(at(name), bytes)
  return at(name)
}

test('ready, watched while a job runs, drained, gone', async () => {
  const daemon = await start()
  expect((await command('status', '--ready', '--live')).code).toBe(0)
  const client = createDeployClient(at('deploy.sock'))
  const path = await image('slow.raw', 'wait')
  const answer = client.probeImageInfo({ disk_info: { path } }).catch((error: unknown) => error)

  let seen = await status()
  while (seen.work.jobs[0]?.phase !== 'open') seen = await status()
  expect(seen).toMatchObject({ alive: true, ready: true, pid: daemon.child.pid })
  expect(seen.work).toMatchObject({ slots: { busy: 1 }, jobs: [{ kind: 'probe', state: 'running', phase: 'open', image: path }] })
  const { out: metrics } = await command('metrics')
  expect(metrics).toContain('host_deployer_slots_busy 1\n')

  daemon.child.kill('SIGTERM')
  expect(await systemd.next()).toMatch(/^STOPPING=1\n/)
  expect((await command('status', '--ready')).code).toBe(1)
  expect((await command('status', '--live')).code).toBe(0)
  await image('slow.raw', 'answer 1')
  expect(await answer).toMatchObject({ code: 'DRIVER_ODD_ANSWER' })
  client.close()
  expect(await daemon.ended).toBe(0)
  for (const name of ['deploy.sock', 'state/admin.sock']) await expect(access(at(name))).rejects.toThrow()

  const [id] = seen.work.jobs.map((job) => job.id)
  const ofJob = daemon.lines().filter(({ job }) => job === id)
  expect(ofJob.map(({ event }) => event)).toEqual(['job.queued', 'job.started', 'job.failed', 'rpc.failed'])
  expect(ofJob.slice(-2)).toMatchObject([{ code: 'DRIVER_ODD_ANSWER', phase: 'open' }, { code: 'DRIVER_ODD_ANSWER' }])
  expect(daemon.lines().at(-1)).toMatchObject({ event: 'daemon.stopped' })
})

test('after a kill -9 the next one takes over sockets and lock, and a second one is refused', async () => {
  const first = await start()
  first.child.kill('SIGKILL')
  await once(first.child, 'exit')
  const second = await start()
  const third = await command('serve')
  expect(third.code).not.toBe(0)
  expect((await status()).pid).toBe(second.child.pid)
  // In order, with its workers: killed, it leaves them to end by themselves, and they may still write below the directory that the test removes.
  second.child.kill('SIGTERM')
  expect(await second.ended).toBe(0)
})
