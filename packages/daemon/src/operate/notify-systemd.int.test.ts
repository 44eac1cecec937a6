import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLogger } from './create-logger.ts'
import { createServiceNotifier } from './notify-systemd.ts'
import { listenForNotifications, type NotifyListener } from './testing/notify-listener.ts'

let directory: string
let listener: NotifyListener
let socket: string
const lines: string[] = []
const logger = createLogger({ logLevel: 'info' }, { write: (line: string) => void lines.push(line) })

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hd-notify-'))
  socket = join(directory, 'notify')
  listener = await listenForNotifications(socket)
})
afterEach(async () => {
  await listener.close()
  await rm(directory, { recursive: true })
  lines.length = 0
})

const notifier = (env: Record<string, string | undefined>, alive = () => true) =>
  createServiceNotifier({ env: { PATH: process.env['PATH'], ...env }, logger, alive })

test('ready, status, reloading, stopping, in that order, each of them one line', async () => {
  const systemd = notifier({ NOTIFY_SOCKET: socket })
  void systemd.ready('serving')
  void systemd.status('1 job\nREADY=0')
  void systemd.reloading()
  await systemd.stopping('draining', 120_000)
  expect([await listener.next(), await listener.next(), await listener.next(), await listener.next()]).toEqual([
    'READY=1\nSTATUS=serving',
    'STATUS=1 job READY=0',
    'RELOADING=1',
    'STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=180000000',
  ])
  expect(lines).toEqual([])
})

test('the watchdog is fed while we are alive, and only by the process it was set for', async () => {
  // Messages are sent one after the other, and may wait: each is of a time when we were asked and were alive.
  const asked = { alive: 0, dead: 0 }
  let now: keyof typeof asked = 'alive'
  const alive = () => {
    asked[now] += 1
    return now === 'alive'
  }
  const systemd = notifier({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: '200000', WATCHDOG_PID: String(process.pid) }, alive)
  const told = [await listener.next(), await listener.next()]
  now = 'dead'
  while (asked.dead < 3) await new Promise((resolve) => setTimeout(resolve, 20))
  systemd.close()
  void systemd.status('last')
  while (told.at(-1) !== 'STATUS=last') told.push(await listener.next())
  expect(told.slice(0, -1)).toEqual(Array(asked.alive).fill('WATCHDOG=1'))
  const other = notifier({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: '100000', WATCHDOG_PID: '1' })
  await new Promise((resolve) => setTimeout(resolve, 300))
  await other.status('other')
  expect(await listener.next()).toBe('STATUS=other')
})

test('without a manager nothing is done; one that cannot be told is logged', async () => {
  await notifier({}).ready('x')
  expect(lines).toEqual([])
  await notifier({ NOTIFY_SOCKET: join(directory, 'nobody') }).ready('x')
  expect(lines).toHaveLength(1)
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'error', event: 'systemd.notify' })
})
