import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listenOnSocket, type StatusDocument } from '@host-deployer/daemon'
import { hostPath } from '@host-deployer/driver-api'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { showStatus } from '../show-status.ts'

const status: StatusDocument = {
  schemaVersion: 1,
  version: '1.2.3',
  pid: 7,
  startedAt: '2026-01-01T00:00:00.000Z',
  uptimeMs: 90_000,
  alive: true,
  faults: [],
  ready: true,
  conditions: {
    socket: { met: true, reason: null },
    driver: { met: true, reason: null },
    accepting: { met: true, reason: null },
  },
  config: {
    socketPath: '/run/deploy.sock',
    adminSocketPath: '/run/admin.sock',
    concurrency: 5,
    queueLimit: 1000,
    imageRoots: ['/opt/cloud'],
    workDirectory: '/w',
    stateDirectory: '/s',
    cacheDirectory: '/c',
    jobTimeoutMs: 1,
    drainTimeoutMs: 1,
    logLevel: 'info',
    allowVmSelinux: true,
  },
  driver: { name: 'qemu-initramfs', usable: true, findings: [], template: { state: 'present', detail: 'a saved VM' } },
  warnings: ['warned'],
  work: {
    accepting: true,
    slots: { total: 5, busy: 1, quarantined: 0 },
    jobs: [
      {
        id: 'j-running',
        kind: 'deploy',
        label: 'DeployGuestFs',
        client: 'pid 9',
        image: '/i/a.qcow2\u001b[31m',
        state: 'running',
        phase: 'commit',
        waitedMs: 1,
        runningMs: 2000,
      },
    ],
    failures: [
      {
        id: 'j-failed',
        kind: 'grow',
        label: 'ResizeFs',
        image: '/i/b',
        code: 'IMAGE_LOCKED',
        phase: 'open',
        message: 'one\ntwo\u009b31m\u202e',
        hint: 'wait',
        at: '2026-01-01T00:00:00.000Z',
      },
    ],
    workers: { spare: 1, running: 1 },
    residue: [{ severity: 'warning', code: 'LEASE_NOT_FREED', summary: 'still mounted', path: '/m' }],
  },
  failedCalls: [
    {
      rpc: 'FormatFs',
      job: null,
      status: 'INVALID_ARGUMENT',
      code: 'INPUT_INVALID',
      phase: null,
      message: 'disk_info.path: is missing\u001b[31m',
      hint: 'give one',
      at: '2026-01-01T00:00:00.000Z',
    },
  ],
}

let directory: string
let socket: string
let server: Server
let answers: Record<string, readonly [number, string]>

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hd-status-'))
  socket = join(directory, 'admin.sock')
  answers = {
    '/status': [200, JSON.stringify(status)],
    '/healthz': [200, '{"alive":true}\n'],
    '/readyz': [200, '{"ready":true}\n'],
    '/metrics': [200, 'host_deployer_slots 5\n'],
  }
  server = createServer((request, response) => {
    const [code, body] = answers[request.url ?? ''] ?? [404, '']
    response.writeHead(code).end(body)
  })
  await listenOnSocket(server, { path: hostPath(socket) })
})
afterEach(async () => {
  server.close()
  server.closeAllConnections()
  await rm(directory, { recursive: true })
})

interface Ran {
  readonly code: number | null
  readonly out: string
}

function run(args: readonly string[], env: Record<string, string> = {}, node: readonly string[] = []): Promise<Ran> {
  return new Promise((resolve) => {
    const main = join(import.meta.dirname, '..', 'main.ts')
    const child = spawn(process.execPath, ['--conditions=@host-deployer/source', ...node, main, ...args], {
      env: { PATH: process.env['PATH'], XDG_CACHE_HOME: directory, NO_COLOR: '1', ...env },
    })
    let out = ''
    child.stdout.on('data', (part: Buffer) => {
      out += part.toString()
    })
    child.on('close', (code) => resolve({ code, out }))
  })
}

const codeOf = ({ out }: Ran) => (JSON.parse(out) as { error: { code: string } }).error.code

describe('exit codes', () => {
  test('0 when it is what was asked for', async () => {
    const runs = await Promise.all(
      [['status'], ['status', '--live'], ['status', '--ready']].map((args) => run([...args, '--socket', socket])),
    )
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0])
  })

  test('1 when it is not', async () => {
    answers = {
      '/status': [200, JSON.stringify({ ...status, ready: false })],
      '/healthz': [503, '{}'],
      '/readyz': [503, '{}'],
    }
    const runs = await Promise.all(
      [['status'], ['status', '--live'], ['status', '--ready']].map((args) => run([...args, '--socket', socket])),
    )
    expect(runs.map(({ code }) => code)).toEqual([1, 1, 1])
  })

  test('1 when nobody answers', async () => {
    const ran = await run(['status', '--json', '--socket', join(directory, 'none')])
    expect([ran.code, codeOf(ran)]).toEqual([1, 'DAEMON_NOT_RUNNING'])
  })
})

test('a daemon that cannot say is an error', async () => {
  answers = { '/status': [500, '{}'], '/metrics': [500, '{}'] }
  const [metrics, shown] = await Promise.all([run(['metrics', '--socket', socket]), run(['status', '--json', '--socket', socket])])
  expect(metrics).toEqual({ code: 6, out: '' })
  expect([shown.code, codeOf(shown)]).toEqual([1, 'DAEMON_NO_ANSWER'])
})

test('--json is the document, as it came', async () => {
  const { out } = await run(['status', '--json', '--socket', socket])
  expect(JSON.parse(out)).toEqual(status)
})

test('the socket is found by the environment and by the settings of the daemon', async () => {
  const settings = join(directory, 'settings.yaml')
  await writeFile(settings, `adminSocketPath: ${socket}\n`)
  const runs = await Promise.all([
    run(['metrics'], { HOST_DEPLOYER_ADMIN_SOCKET_PATH: socket }),
    run(['metrics'], { HOST_DEPLOYER_STATE_DIRECTORY: directory }),
    run(['metrics', '--settings', settings]),
  ])
  expect(runs.map(({ out }) => out)).toEqual(Array(3).fill('host_deployer_slots 5\n'))
})

test('a probe of the daemon loads next to nothing', async () => {
  const hook = join(directory, 'hook.mjs')
  await writeFile(
    hook,
    `import { registerHooks } from 'node:module'
     const loaded = []
     registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) })
     process.on('exit', () => console.log(JSON.stringify(loaded)))`,
  )
  const { code, out } = await run(['status', '--ready', '--socket', socket], {}, ['--import', hook])
  const loaded = JSON.parse(out.trim().split('\n').at(-1) ?? '[]') as string[]
  expect(code).toBe(0)
  expect(loaded.some((url) => url.endsWith('/status.ts'))).toBe(true)
  const heavy = ['/packages/daemon/', '/packages/api/', '/packages/core/', '/packages/driver-kit/', '/zod/', '/yaml/', '/@grpc/']
  expect(heavy.filter((part) => loaded.some((url) => url.includes(part)))).toEqual([])
})

test('for people: every job, failure with hint, residue and warning; no control character of theirs', () => {
  const text = showStatus(status)
  for (const part of ['j-running', 'commit', 'j-failed', 'IMAGE_LOCKED', 'wait', 'still mounted', 'warned', 'a saved VM'])
    expect(text).toContain(part)
  for (const part of ['FormatFs', 'INPUT_INVALID', 'no job', 'give one']) expect(text).toContain(part)
  const { failedCalls: _, ...earlier } = status
  expect(showStatus(earlier as StatusDocument)).not.toContain('FormatFs')
  // Colours are ours.
  const rest = text.replaceAll(/\u001b\[[0-9;]*m/g, '').replaceAll('\n', '')
  expect(rest).not.toMatch(/[\p{Cc}\u202e]/u)
  expect(text).not.toContain('\u001b[31m ')
  expect(text).toContain('a.qcow2\\u{1b}[31m')
})
