import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, readdir, readFile, symlink } from 'node:fs/promises'
import type { DeployClient } from '@host-deployer/api/grpc'
import { DeployError } from '@host-deployer/driver-api'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { applianceDirectory } from './lib/appliance-directory.ts'
import { checkFileSystems } from './lib/check-file-systems.ts'
import { commandLine } from './lib/command-line.ts'
import { createPhonyDisk } from './lib/phony-disk.ts'
import { processesWithOpen } from './lib/processes-with-open.ts'
import { childrenOf, endDaemons, type RunningDaemon, startDaemon } from './lib/running-daemon.ts'
import { createWorkspace, type Workspace } from './lib/workspace.ts'

// The daemon with real jobs: several at once, processes killed at every level, an image that somebody else holds, the end of the daemon.

const MiB = 2 ** 20

let space: Workspace
let pristine: string
let daemon: RunningDaemon
let client: DeployClient

beforeAll(async () => {
  space = await createWorkspace('daemon-work')
  // QEMU runs as another user.
  await chmod(space.directory, 0o711)
  pristine = space.path('pristine.raw')
  await createPhonyDisk(pristine, { type: 'ext4', sizeBytes: 64 * MiB })
  daemon = await startDaemon(space)
  client = daemon.client()
})
afterAll(async () => {
  client.close()
  await endDaemons()
})

async function copy(name: string): Promise<string> {
  const path = space.path(`${name}.raw`)
  await execa('cp', ['--sparse=always', pristine, path])
  return path
}

const deploy = (path: string, name: string) =>
  client.deployGuestFs({ disk_info: { path }, guest_desc: { name, uuid: name, disks: [{ path, format: 'raw' }] }, deploy_info: {} })

const codeOf = (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    () => 'done',
    (error: unknown) => (DeployError.isInstance(error) ? error.code : Promise.reject(error)),
  )

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (const start = performance.now(); performance.now() - start < 60_000; ) {
    const found = await look()
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`waited in vain for ${what}`)
}

const holders = async (path: string): Promise<number[]> => (await processesWithOpen(path)).map(({ pid }) => pid)

/** The worker of the only job that runs: the one that has started a VM with this image. */
async function lookForWorker(image: string): Promise<number | undefined> {
  for (const worker of await daemon.workers()) {
    const machines = await childrenOf(worker)
    const open = await holders(image)
    if (machines.some((pid) => open.includes(pid)) || open.includes(worker)) return worker
  }
  return undefined
}

const workerOf = (image: string) => until('its worker', () => lookForWorker(image))

const MOST_TRIES = 20

/**
 * What a deploy comes to whose worker or VM was killed in one of these phases. Nothing holds it up for us: on a busy machine a phase may be over before it was seen, or the
 * deploy before the signal came; then it is done, and another one is asked for.
 */
async function codeOfKilled(
  image: string,
  phases: readonly string[],
  ask: (name: string) => Promise<unknown>,
  victimOf: (worker: number) => Promise<number | undefined>,
): Promise<string> {
  for (let tries = 1; tries <= MOST_TRIES; tries += 1) {
    let isOver = false
    const answer = codeOf(ask(`killed${tries}`)).finally(() => {
      isOver = true
    })
    const meet = <T>(what: string, look: () => Promise<T | undefined>) =>
      until<T | null>(`${what} of ${image}`, async () => (isOver ? null : await look()))
    const worker = await meet('the worker', () => lookForWorker(image))
    const victim = worker === null ? null : await meet('the victim', () => victimOf(worker))
    const met = await meet(`${phases}`, async () =>
      (await daemon.status()).work.jobs.find((job) => job.image === image && phases.includes(job.phase ?? '')),
    )
    if (victim !== null && met !== null) killIfRunning(victim)
    const code = await answer
    if (code !== 'done') return code
  }
  throw new Error(`No deploy was met in ${phases}, of ${MOST_TRIES}`)
}

async function nothingIsLeft(...images: readonly string[]): Promise<void> {
  for (const image of images)
    await until(`the end of who holds ${image}`, async () => ((await holders(image)).length === 0 ? true : undefined))
  await until('an empty work directory', async () => ((await readdir(space.path('work'))).length === 0 ? true : undefined))
  expect((await daemon.status()).work).toMatchObject({ slots: { busy: 0, quarantined: 0 }, jobs: [], residue: [] })
}

test('probes, deploys, growing and formatting at once', async () => {
  const paths = await Promise.all(['one', 'two', 'three'].map(copy))
  const [one = '', two = '', three = ''] = paths
  const blank = space.path('blank.raw')
  await execa('truncate', ['--size', '64M', blank])
  await execa('truncate', ['--size', '96M', three])
  const uuid = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'
  const [probed, deployed, resized, formatted] = await Promise.all([
    client.probeImageInfo({ disk_info: { path: one } }),
    deploy(two, 'two'),
    client.resizeFs({ disk_info: { path: three } }),
    client.formatFs({ disk_info: { path: blank }, fs_format: 'ext4', uuid }),
  ])
  expect(probed.os_info?.distro.toLowerCase()).toContain('debian')
  expect(deployed.distro.toLowerCase()).toContain('debian')
  expect([resized, formatted]).toEqual([{}, {}])
  for (const path of [...paths, blank]) expect(await checkFileSystems(path, 'raw')).toEqual([])
  await nothingIsLeft(...paths, blank)
})

test.each([['open'], ['mount', 'detect', 'stage'], ['commit', 'unmount', 'close']])(
  'kill -9 of the worker (%s ...): the job says so, nothing stays, the image is sound, the same again does it',
  async (...phases) => {
    const image = await copy(`worker-${phases[0]}`)
    const code = await codeOfKilled(
      image,
      phases,
      (name) => deploy(image, name),
      async (worker) => worker,
    )
    expect(code).toBe('DAEMON_WORKER_LOST')
    await nothingIsLeft(image)
    expect(await checkFileSystems(image, 'raw')).toEqual([])
    expect(await codeOf(deploy(image, 'again'))).toBe('done')
  },
)

test.each([['scan', 'mount'], ['detect', 'stage', 'diff'], ['commit']])(
  'kill -9 of the VM (%s ...): one code whatever the job was about, its worker cleans up, the image is sound, the same again does it',
  async (...phases) => {
    const image = await copy(`machine-${phases[0]}`)
    const code = await codeOfKilled(
      image,
      phases,
      (name) => deployMuch(image, name),
      async (worker) => (await childrenOf(worker))[0],
    )
    expect(code).toBe('DRIVER_QEMU_EXITED')
    await nothingIsLeft(image)
    expect(await checkFileSystems(image, 'raw', { recover: true })).toEqual([])
    expect(await codeOf(deployMuch(image))).toBe('done')
    expect(await checkFileSystems(image, 'raw')).toEqual([])
  },
)

/** A deploy that is long enough about its files to be met there. */
const deployMuch = (path: string, name = 'much') =>
  client.deployGuestFs({
    disk_info: { path },
    guest_desc: { name, uuid: name, disks: [{ path, format: 'raw' }] },
    deploy_info: {
      is_init: true,
      deploys: Array.from({ length: 200 }, (_, index) => ({
        path: `/etc/much/${index}`,
        content: `${name} ${index}\n`.repeat(1_000),
        action: 'create',
      })),
    },
  })

/** It may have ended since somebody looked. */
function killIfRunning(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

test('an image that somebody else holds is waited for; after the deadline that is told', async () => {
  const image = await copy('held')
  const holder = await holdImage(image)
  const refused = await codeOf(client.probeImageInfo({ disk_info: { path: image } }, { timeoutMs: 8_000 }))
  // The client's clock and the daemon's race; both know why.
  expect(['IMAGE_LOCKED', 'TIMEOUT_CALL']).toContain(refused)
  const answer = codeOf(deploy(image, 'held'))
  await until('the first refusal', async () => daemon.lines.find(({ event, image: path }) => event === 'image.locked' && path === image))
  holder.kill('SIGKILL')
  expect(await answer).toBe('done')
})

/** A running machine, for all that matters. */
async function holdImage(path: string): Promise<ChildProcess> {
  const child = spawn('qemu-io', ['-f', 'raw', path], { stdio: ['pipe', 'ignore', 'inherit'] })
  await until('its lock', async () => ((await holders(path)).includes(child.pid ?? 0) ? true : undefined))
  return child
}

test('kill -9 of the daemon: workers and VMs end by themselves, the next daemon finds everything in order', async () => {
  const images = await Promise.all(['daemon-1', 'daemon-2'].map(copy))
  // Long enough that both are met.
  const answers = images.map((image) => codeOf(deployMuch(image)))
  const workers = await Promise.all(images.map(workerOf))
  expect(await daemon.end('SIGKILL')).toBe(null)
  for (const code of await Promise.all(answers)) expect(code).toMatch(/^DAEMON_/)
  client.close()
  for (const pid of workers) await until('the end of a worker', async () => ((await isAlive(pid)) ? undefined : true))
  daemon = await startDaemon(space)
  client = daemon.client()
  await nothingIsLeft(...images)
  for (const image of images) {
    expect(await checkFileSystems(image, 'raw')).toEqual([])
    expect(await codeOf(deploy(image, 'again'))).toBe('done')
  }
})

test('a worker of a killed daemon that cannot end by itself is ended by the next one', async () => {
  const image = await copy('stopped')
  const answer = codeOf(deploy(image, 'stopped'))
  const worker = await workerOf(image)
  process.kill(worker, 'SIGSTOP')
  await daemon.end('SIGKILL')
  expect(await answer).toMatch(/^DAEMON_/)
  client.close()
  expect(await isAlive(worker)).toBe(true)
  daemon = await startDaemon(space)
  client = daemon.client()
  expect(await isAlive(worker)).toBe(false)
  await nothingIsLeft(image)
  expect(await codeOf(deploy(image, 'again'))).toBe('done')
})

/** Remains of a process that nobody has waited for do not count. */
const isAlive = (pid: number): Promise<boolean> =>
  readFile(`/proc/${pid}/stat`, 'utf8').then(
    (stat) => !/^[ZX]$/.test(stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3)),
    () => false,
  )

test('one daemon for a state directory; one whose driver cannot be loaded ends with 4', async () => {
  await expect(startDaemon(space)).rejects.toThrow(/DAEMON_ALREADY_RUNNING/)
  const other = await createWorkspace('daemon-no-driver')
  const settings = { ...placesIn(other), driver: './none.js' }
  const [node, ...args] = commandLine(['serve', '--settings', await other.write('settings.yaml', JSON.stringify(settings))])
  const { exitCode, stderr } = await execa(node, args, { reject: false })
  expect(exitCode).toBe(4)
  expect(stderr).toContain('DRIVER_NOT_FOUND')
  expect((await readdir(other.path('state'))).filter((name) => name !== 'admin.sock')).toEqual([])
})

test('what the driver needs is not there: alive, not ready, clients hear what it is; as soon as it is there jobs are done', async () => {
  const other = await createWorkspace('daemon-unready')
  await chmod(other.directory, 0o711)
  const appliance = other.path('appliance')
  const image = other.path('image.raw')
  await execa('cp', ['--sparse=always', pristine, image])
  const unready = await startDaemon(other, { driverOptions: { appliance } })
  expect(await unready.status()).toMatchObject({ alive: true, ready: false, driver: { usable: false } })
  const mine = unready.client()
  const probe = () => codeOf(mine.probeImageInfo({ disk_info: { path: image } }))
  expect(await probe()).toMatch(/^(APPLIANCE|DRIVER)_/)
  await symlink(applianceDirectory(), appliance)
  expect(await probe()).toBe('done')
  mine.close()
  expect(await unready.end('SIGTERM')).toBe(0)
})

const placesIn = (where: Workspace) => ({
  socketPath: where.path('deploy.sock'),
  stateDirectory: where.path('state'),
  workDirectory: where.path('work'),
  cacheDirectory: where.path('cache'),
})

test('SIGTERM: what runs ends and is answered, nothing new is taken, exit code 0', async () => {
  const images = await Promise.all(['drained', 'late'].map(copy))
  const [drained = '', late = ''] = images
  const answer = codeOf(deploy(drained, 'drained'))
  await workerOf(drained)
  const ended = daemon.end('SIGTERM')
  await until('the notice', async () => daemon.lines.find(({ event }) => event === 'daemon.stopping'))
  expect(await codeOf(deploy(late, 'late'))).toMatch(/^DAEMON_(STOPPING|UNREACHABLE)$/)
  expect(await answer).toBe('done')
  expect(await ended).toBe(0)
  expect(await readdir(space.path('work'))).toEqual([])
  expect(await readdir(space.path('state'))).toEqual([])
  for (const image of images) expect(await holders(image)).toEqual([])
})
