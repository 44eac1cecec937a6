import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLogger } from './create-logger.ts'
import { createServiceNotifier } from './notify-systemd.ts'

// Node has no datagram sockets of the unix kind: Python listens, with SCM_RIGHTS, as systemd-notify sends a descriptor and waits until it is closed.
const LISTEN = `
import socket, sys, json, os, array
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
while True:
    data, fds, flags, address = socket.recv_fds(s, 65536, 8)
    for fd in fds: os.close(fd)
    print(json.dumps(data.decode()), flush=True)
`

let directory: string
let listener: ChildProcess
let messages: AsyncIterator<string>
let socket: string
const lines: string[] = []
const logger = createLogger({ logLevel: 'info' }, { write: (line: string) => void lines.push(line) })

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hd-notify-'))
  socket = join(directory, 'notify')
  listener = spawn('python3', ['-c', LISTEN, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
  if (listener.stdout === null) throw new TypeError('no output')
  messages = createInterface({ input: listener.stdout })[Symbol.asyncIterator]()
  expect((await messages.next()).value).toBe('bound')
})
afterEach(async () => {
  listener.kill()
  await once(listener, 'exit')
  await rm(directory, { recursive: true })
  lines.length = 0
})

/** The next message that says something; the barrier is only systemd-notify waiting. */
async function next(): Promise<string> {
  const message = JSON.parse((await messages.next()).value as string) as string
  return message.startsWith('BARRIER=') ? next() : message.trim()
}

const notifier = (env: Record<string, string | undefined>, alive = () => true) =>
  createServiceNotifier({ env: { PATH: process.env['PATH'], ...env }, logger, alive })

test('ready, status, reloading, stopping, in that order, each of them one line', async () => {
  const systemd = notifier({ NOTIFY_SOCKET: socket })
  void systemd.ready('serving')
  void systemd.status('1 job\nREADY=0')
  void systemd.reloading()
  await systemd.stopping('draining', 120_000)
  expect([await next(), await next(), await next(), await next()]).toEqual([
    'READY=1\nSTATUS=serving',
    'STATUS=1 job READY=0',
    'RELOADING=1',
    'STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=180000000',
  ])
  expect(lines).toEqual([])
})

test('the watchdog is fed while we are alive, and only by the process it was set for', async () => {
  let alive = true
  const systemd = notifier({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: '200000', WATCHDOG_PID: String(process.pid) }, () => alive)
  expect([await next(), await next()]).toEqual(['WATCHDOG=1', 'WATCHDOG=1'])
  alive = false
  await new Promise((resolve) => setTimeout(resolve, 300))
  await systemd.status('last')
  systemd.close()
  let message = await next()
  for (let n = 0; message === 'WATCHDOG=1' && n < 3; n++) message = await next()
  expect(message).toBe('STATUS=last')
  const other = notifier({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: '100000', WATCHDOG_PID: '1' })
  await new Promise((resolve) => setTimeout(resolve, 300))
  await other.status('other')
  expect(await next()).toBe('STATUS=other')
})

test('without a manager nothing is done; one that cannot be told is logged', async () => {
  await notifier({}).ready('x')
  expect(lines).toEqual([])
  await notifier({ NOTIFY_SOCKET: join(directory, 'nobody') }).ready('x')
  expect(lines).toHaveLength(1)
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'error', event: 'systemd.notify' })
})
