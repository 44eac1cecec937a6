import { chmod, readdir } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { DeployClient } from '@host-deployer/api/grpc'
import { DeployError, hostPath } from '@host-deployer/driver-api'
import { execa } from 'execa'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { openTestDriver } from './lib/appliance.ts'
import { checkDisks } from './lib/check-file-systems.ts'
import { createPhonyDisk } from './lib/phony-disk.ts'
import { random } from './lib/random.ts'
import { childrenOf, endDaemons, type RunningDaemon, startDaemon } from './lib/running-daemon.ts'
import { createWorkspace, type Workspace } from './lib/workspace.ts'

// Many clients at once: nothing is lost or mixed up, everybody gets a share, nothing is left, whatever is cancelled or killed meanwhile. Every request appends a
// line of its own to a file of its image, so that the images tell afterwards what was done to them.

const soak = process.env['HOST_DEPLOYER_SOAK'] !== undefined
const [requests, clients, images, slots] = soak ? [200, 20, 40, 5] : [12, 4, 8, 5]
/** How many times as long as another a client may wait on average. Of the gate's three requests each, a single slow one is felt. */
const mostUnequal = soak ? 2 : 3
const MiB = 2 ** 20
const draw = random()
const MAX_RESIDENT_BYTES = 150 * MiB
/** From the first quarter of a round to the last: what V8 keeps for itself comes and goes, what somebody forgets to let go of only comes. */
const MAX_GROWTH_BYTES = 30 * MiB

let space: Workspace
let paths: string[]

beforeAll(async () => {
  space = await createWorkspace('daemon-load')
  // QEMU runs as another user.
  await chmod(space.directory, 0o711)
  const first = space.path('image-0.raw')
  await createPhonyDisk(first, { type: 'ext4', sizeBytes: 64 * MiB })
  paths = Array.from({ length: images }, (_, index) => space.path(`image-${index}.raw`))
  for (const path of paths.slice(1)) await execa('cp', ['--sparse=always', first, path])
})
afterEach(endDaemons)

interface Request {
  readonly name: string
  readonly client: number
  readonly path: string
}

interface Answer extends Request {
  /** Null: done. */
  readonly code: string | null
  readonly ms: number
}

/** In random order, and each image as often as any other: nobody waits longer only because everybody wants what he wants. */
function planned(round: string): Request[] {
  const order = Array.from({ length: Math.ceil(requests / images) }, () => shuffled(paths)).flat()
  return Array.from({ length: requests }, (_, index) => ({
    name: `${round}-${index}`,
    client: index % clients,
    path: order[index] ?? paths[0] ?? '',
  }))
}

const shuffled = <T>(items: readonly T[]): T[] =>
  items
    .map((item) => ({ item, at: draw() }))
    .toSorted((left, right) => left.at - right.at)
    .map(({ item }) => item)

/** Connected, every one of them: else the first has all slots before the second is there. */
async function connect(daemon: RunningDaemon): Promise<DeployClient[]> {
  const connections = Array.from({ length: clients }, () => daemon.client())
  // Refused for its lack of a path, at once and without a job.
  for (const connection of connections) await expect(connection.probeImageInfo({})).rejects.toMatchObject({ code: 'INPUT_INVALID' })
  return connections
}

/** One request, sent again while there is no daemon to answer. */
async function send(
  client: DeployClient,
  { name, path }: Request,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<string | null> {
  try {
    const { distro } = await client.deployGuestFs(
      {
        disk_info: { path },
        guest_desc: { name: 'load', uuid: name, disks: [{ path, format: 'raw' }] },
        deploy_info: { is_init: true, deploys: [{ path: '/etc/requests', content: `${name}\n`, action: 'append' }] },
      },
      options,
    )
    expect(distro.toLowerCase()).toContain('debian')
    return null
  } catch (error) {
    if (!DeployError.isInstance(error)) throw error
    return error.code
  }
}

/** The lines that were appended to each image, and that its file system is sound. Several disks in one VM. */
async function appended(): Promise<Map<string, string[]>> {
  const { driver, context } = await openTestDriver()
  const found = new Map<string, string[]>()
  for (let next = 0; next < paths.length; next += 8) {
    const [first, ...more] = paths.slice(next, next + 8).map((path, index) => ({
      ...{ id: `disk${index}`, access: 'scratch' as const },
      chain: [{ path: hostPath(path), format: 'raw' }] as const,
    }))
    if (first === undefined) break
    await using session = await driver.open({ disks: [first, ...more] }, context)
    expect(await checkDisks(session, { recover: true })).toEqual([])
    await session.toolHost.exec(['mkdir', '-p', '/mnt'])
    for (const [index, { device }] of session.disks.entries()) {
      const script = 'mount -t ext4 "$1" /mnt && { cat /mnt/etc/requests; umount /mnt; }'
      const { stdout, exitCode } = await session.toolHost.exec(['sh', '-c', script, 'sh', device])
      expect(exitCode).toBe(0)
      found.set(paths[next + index] ?? '', Buffer.from(stdout).toString().split('\n').filter(Boolean))
    }
  }
  return found
}

async function nothingIsLeft(): Promise<void> {
  expect(await readdir(space.path('work'))).toEqual([])
  expect((await readdir(space.path('state'))).filter((name) => name.endsWith('.json'))).toEqual([])
}

/** What is in the images must be what was answered: done ones are there, once; refused ones may be there, once. */
async function imagesAgreeWith(answers: readonly Answer[], { maySayTwice }: { readonly maySayTwice: boolean }): Promise<void> {
  for (const [path, lines] of await appended()) {
    const found = lines.filter((line) => answers.some(({ name }) => name === line))
    const mine = answers.filter((answer) => answer.path === path)
    for (const { name, code } of mine) if (code === null) expect(found, `${name} was answered`).toContain(name)
    for (const line of found)
      expect(
        mine.map(({ name }) => name),
        `${line} belongs to ${path}`,
      ).toContain(line)
    if (!maySayTwice) expect(new Set(found).size).toBe(found.length)
  }
}

test(`${requests} requests of ${clients} clients over ${images} images, ${slots} slots: all done, fair, memory flat`, async () => {
  const daemon = await startDaemon(space, { concurrency: slots })
  const connections = await connect(daemon)
  const plan = planned('plain')
  const memory = watchMemory(daemon)
  let mostBusy = 0
  const look = setInterval(() => {
    // The last look may find the daemon gone.
    daemon.status().then(
      ({ work }) => (mostBusy = Math.max(mostBusy, work.slots.busy)),
      () => {},
    )
  }, 500)
  // Slots that are free go to whoever comes first; fairness begins where they are not.
  const first = daemon.client()
  const filling = paths.slice(0, slots).map(async (path, index): Promise<Answer> => {
    const request = { name: `filling-${index}`, client: -1, path }
    return { ...request, code: await send(first, request, { timeoutMs: 3_600_000 }), ms: 0 }
  })
  while ((await daemon.status()).work.slots.busy < slots) await new Promise((resolve) => setTimeout(resolve, 20))
  const asked = plan.map(async (request): Promise<Answer> => {
    const started = performance.now()
    const code = await send(connections[request.client] as DeployClient, request, { timeoutMs: 3_600_000 })
    return { ...request, code, ms: performance.now() - started }
  })
  const answers = await Promise.all([...filling, ...asked])
  first.close()
  memory.expectFlat()
  clearInterval(look)
  expect(answers.filter(({ code }) => code !== null)).toEqual([])
  expect(mostBusy).toBeLessThanOrEqual(slots)
  const waits = Array.from({ length: clients }, (_, client) => {
    const own = answers.filter((answer) => answer.client === client)
    return own.reduce((sum, { ms }) => sum + ms, 0) / own.length
  })
  expect(Math.max(...waits), waits.map(Math.round).join(' ')).toBeLessThanOrEqual(mostUnequal * Math.min(...waits))
  for (const connection of connections) connection.close()
  expect(await daemon.end('SIGTERM')).toBe(0)
  await nothingIsLeft()
  await imagesAgreeWith(answers, { maySayTwice: false })
})

/** Looks at the daemon's memory until the round ends; `expectFlat` says that it has, while the daemon still runs. */
function watchMemory(daemon: RunningDaemon): { expectFlat(): void } {
  const resident: number[] = []
  const timer = setInterval(() => {
    daemon.residentBytes().then(
      (bytes) => resident.push(bytes),
      () => {},
    )
  }, 100)
  const mean = (part: readonly number[]) => part.reduce((sum, bytes) => sum + bytes, 0) / part.length
  return {
    expectFlat() {
      clearInterval(timer)
      expect(resident.length).toBeGreaterThanOrEqual(10)
      const quarter = Math.floor(resident.length / 4)
      const [first, last] = [mean(resident.slice(0, quarter)), mean(resident.slice(-quarter))]
      const said = `${resident.length} looks, from ${Math.round(first / MiB)} to ${Math.round(last / MiB)} MiB`
      expect(Math.max(...resident), said).toBeLessThanOrEqual(MAX_RESIDENT_BYTES)
      expect(last - first, said).toBeLessThanOrEqual(MAX_GROWTH_BYTES)
    },
  }
}

test('the same with cancels and deadlines at random: only who gave up is not answered', async () => {
  const daemon = await startDaemon(space, { concurrency: slots })
  const connections = await connect(daemon)
  const memory = watchMemory(daemon)
  const answers = await Promise.all(
    planned('impatient').map(async (request, index) => {
      const started = performance.now()
      const { may, ...options } = impatience(index)
      const code = await send(connections[request.client] as DeployClient, request, options)
      return { ...request, code, may, ms: performance.now() - started }
    }),
  )
  memory.expectFlat()
  expect(answers.filter(({ code, may }) => code !== null && !may.includes(code))).toEqual([])
  for (const connection of connections) connection.close()
  expect(await daemon.end('SIGTERM')).toBe(0)
  await nothingIsLeft()
  await imagesAgreeWith(answers, { maySayTwice: false })
})

interface Impatience {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
  /** What it may end with besides being done. */
  readonly may: readonly string[]
}

/** A third waits, a third has a deadline, a third is cancelled. */
function impatience(index: number): Impatience {
  const soonMs = Math.round(500 + draw() * requests * 1_500)
  switch (index % 3) {
    case 0:
      return { timeoutMs: 3_600_000, may: [] }
    case 1:
      return { timeoutMs: soonMs, may: ['TIMEOUT_CALL', 'TIMEOUT_JOB'] }
    default:
      return { timeoutMs: 3_600_000, signal: AbortSignal.timeout(soonMs), may: ['ABORTED'] }
  }
}

const kills = soak ? 80 : 3

const [leastPauseMs, mostPauseMs] = soak ? [2_000, 10_000] : [1_000, 5_000]

/** SIGKILL now and then, until `over`: first for the daemon, which is started again, then for two VMs, and so on. */
async function disturb(state: { daemon: RunningDaemon }, over: AbortSignal): Promise<void> {
  for (let kill = 1; kill <= kills; kill += 1) {
    await delay(leastPauseMs + draw() * (mostPauseMs - leastPauseMs), undefined, { signal: over }).catch(() => {})
    if (over.aborted) return
    if (kill % 3 === 1) {
      await state.daemon.end('SIGKILL')
      state.daemon = await startDaemon(space, { concurrency: slots })
      continue
    }
    const victims = await machinesBelow(state.daemon)
    const victim = victims[Math.floor(draw() * victims.length)]
    if (victim !== undefined) killIfRunning(victim)
  }
}

/** It may have ended since somebody looked. */
function killIfRunning(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

async function machinesBelow(daemon: RunningDaemon): Promise<number[]> {
  const workers = await daemon.workers()
  return (await Promise.all(workers.map(childrenOf))).flat()
}

test('the same with kill -9 of VMs and of the daemon at random: asked again, everything gets done', async () => {
  const state = { daemon: await startDaemon(space, { concurrency: slots }) }
  const over = new AbortController()
  const disturbing = disturb(state, over.signal)
  const plan = planned('rough')
  const answers = await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      const own = plan.filter((request) => request.client === client)
      return Promise.all(
        own.map(async (request): Promise<Answer> => {
          const started = performance.now()
          for (;;) {
            const connection = state.daemon.client()
            const code = await send(connection, request, { timeoutMs: 600_000 })
            connection.close()
            if (code === null) return { ...request, code, ms: performance.now() - started }
            // Whatever a kill comes to may be asked again; a damaged image or a refused request would not be one of these.
            expect(code).toMatch(/^(DAEMON_|DRIVER_|EXEC_|FS_|CLEANUP_|OPERATION_|BLOCK_|TIMEOUT_|IMAGE_LOCKED|QEMU_|ABORTED)/)
            await new Promise((resolve) => setTimeout(resolve, 500))
          }
        }),
      )
    }),
  )
  over.abort()
  await disturbing
  expect(await state.daemon.end('SIGTERM')).toBe(0)
  await nothingIsLeft()
  await imagesAgreeWith(answers.flat(), { maySayTwice: true })
})
