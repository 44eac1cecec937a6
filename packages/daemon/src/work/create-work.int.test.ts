import { constants, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Secret } from '@host-deployer/api'
import { DeployError, hostPath } from '@host-deployer/driver-api'
import { listLeases } from '@host-deployer/driver-kit'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type CreateWorkOptions, createWork, type RunningWork, type WorkConfig } from './create-work.ts'
import type { SubmitOptions, WorkEvent } from './work.ts'
import { createWorkerPool } from './worker-pool.ts'
import type { WorkerProcess } from './worker-process.ts'

// Real worker processes with a driver that does what an image says: `testing/odd-driver.ts`.

let base: string
let config: WorkConfig
const works: RunningWork[] = []
const events: WorkEvent[] = []

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'work-'))
  const place = (name: string) => hostPath(join(base, name))
  await mkdir(place('images'))
  config = {
    concurrency: 2,
    queueLimit: 5,
    driver: join(import.meta.dirname, 'testing', 'odd-driver.ts'),
    driverOptions: {},
    workDirectory: place('work'),
    stateDirectory: place('state'),
    cacheDirectory: place('cache'),
    imageRoots: [place('images')],
    jobTimeoutMs: 60_000,
    spareWorkers: 0,
  }
})
afterEach(async () => {
  for (const work of works.splice(0)) await work.drain(0)
  expect(await listLeases(config.stateDirectory)).toEqual([])
  expect(await readdir(config.workDirectory)).toEqual([])
  events.length = 0
  await rm(base, { recursive: true })
})

async function start(changes: Partial<WorkConfig> = {}, options: Partial<CreateWorkOptions> = {}): Promise<RunningWork> {
  const onEvent = (event: WorkEvent) => void events.push(event)
  const work = await createWork({ config: { ...config, ...changes }, driverFrom: [import.meta.dirname], onEvent, graceMs: 300, ...options })
  works.push(work)
  return work
}

/** In one write: nobody sees an image that is empty for a moment. */
async function image(name: string, content: string): Promise<string> {
  const path = join(base, 'images', name)
  await writeFile(path, content.padEnd(512, '\0'), { flag: constants.O_WRONLY | constants.O_CREAT })
  return path
}

/** Probes, and gives the error that each job of this driver ends with. */
async function ask(work: RunningWork, path: string, options: Partial<SubmitOptions> = {}): Promise<DeployError> {
  const error: unknown = await work.submit({ kind: 'probe', image: { path } }, { client: 'a', label: 'Test', ...options }).then(
    () => new Error('This driver gives no sessions'),
    (thrown) => thrown,
  )
  if (!DeployError.isInstance(error)) throw error
  return error
}

/** What a worker that is ready has for getting as far as the driver, on a machine with other work. */
const PATIENCE_MS = 5_000

/** Its first workers are ready: a deadline need not count on the time that one takes to start. */
async function startReady(
  count: number,
  changes: Partial<WorkConfig> = {},
  options: Partial<CreateWorkOptions> = {},
): Promise<RunningWork> {
  const started: Promise<WorkerProcess>[] = []
  const createPool: typeof createWorkerPool = (...setup) => {
    const pool = createWorkerPool(...setup)
    while (started.length < count) started.push(pool.take())
    return { ...pool, take: (of) => (of === undefined ? started.shift() : undefined) ?? pool.take(of) }
  }
  const work = await start(changes, { createPool, ...options })
  for (const worker of [...started]) await (await worker).ready
  return work
}

const runningOnes = (work: RunningWork) => work.snapshot().jobs.filter(({ state }) => state === 'running').length
const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20))
}

test('each job has a process of its own, and its own answer', async () => {
  const work = await start({ spareWorkers: 1 })
  const paths = await Promise.all([1, 2, 3, 4].map((number) => image(`image-${number}`, `answer ${number}`)))
  const answers = await Promise.all(paths.map((path) => ask(work, path)))
  expect(answers.map(({ code, phase, context }) => [code, phase, context['number']])).toEqual(
    ['1', '2', '3', '4'].map((number) => ['DRIVER_ODD_ANSWER', 'open', number]),
  )
  expect(new Set(answers.map(({ context }) => context['pid'])).size).toBe(4)
  expect(work.snapshot()).toMatchObject({ slots: { busy: 0, quarantined: 0 }, jobs: [], residue: [] })
  expect(work.snapshot().failures).toHaveLength(4)
  expect(events.filter(({ type }) => type === 'started')).toHaveLength(4)
})

test('no more than the slots at once, one for each image by whatever name; the queue has an end', async () => {
  const work = await start()
  const first = await image('first', 'sleep 60000')
  const second = await image('second', 'sleep 60000')
  await symlink(first, join(base, 'images', 'link'))
  const jobs = [first, join(base, 'images', 'link'), first, second, second, second, second].map((path) => ask(work, path))
  await until(() => runningOnes(work) === 2)
  expect((await ask(work, first)).code).toBe('DAEMON_QUEUE_FULL')
  expect(events.filter(({ type }) => type === 'refused')).toMatchObject([{ kind: 'probe', code: 'DAEMON_QUEUE_FULL' }])
  const { slots, jobs: shown } = work.snapshot()
  expect(slots).toMatchObject({ total: 2, busy: 2 })
  // Which of the names of an image is found out first is open.
  const held = shown.filter(({ state }) => state === 'running').map((job) => realpath(job.image))
  expect((await Promise.all(held)).toSorted()).toEqual([first, second])
  work.reconfigure({ ...config, concurrency: 5 })
  expect(work.snapshot().slots).toMatchObject({ total: 5, busy: 2 })
  await work.drain(0)
  expect((await Promise.all(jobs)).map(({ code }) => code)).toEqual(Array(7).fill('DAEMON_STOPPING'))
})

test('the queue has an end in what requests hold, too; jobs that end give theirs back', async () => {
  const work = await start({ concurrency: 1 })
  const path = await image('image', 'sleep 60000')
  const weightBytes = 64 * 1024 ** 2
  const [runs, waits] = [new AbortController(), new AbortController()]
  const jobs = [runs, waits].map(({ signal }) => ask(work, path, { weightBytes, signal }))
  expect(await ask(work, path, { weightBytes: 1 })).toMatchObject({ code: 'DAEMON_QUEUE_FULL', retry: 'may-help' })
  expect(events.filter(({ type }) => type === 'refused')).toMatchObject([{ kind: 'probe', code: 'DAEMON_QUEUE_FULL' }])
  waits.abort()
  await jobs[1]
  const again = ask(work, path, { weightBytes })
  expect((await ask(work, path, { weightBytes: 1 })).code).toBe('DAEMON_QUEUE_FULL')
  await until(() => runningOnes(work) === 1)
  await image('image', 'answer 1')
  runs.abort()
  expect((await jobs[0])?.code).toBe('ABORTED')
  expect((await again).code).toBe('DRIVER_ODD_ANSWER')
  expect((await ask(work, path, { weightBytes: 2 * weightBytes })).code).toBe('DRIVER_ODD_ANSWER')
})

test.each([
  ['exit 3', { exitCode: 3, signal: null }],
  ['crash', { exitCode: 1, signal: null }],
  ['die', { exitCode: null, signal: 'SIGKILL' }],
  ['swell', { signal: 'SIGABRT' }],
])('a worker that ends by itself (%s) takes nobody along', async (content, context) => {
  const work = await start({ spareWorkers: 1 })
  const [lost, other] = await Promise.all([image('lost', content), image('other', 'sleep 500')])
  const [error, answer] = await Promise.all([ask(work, lost), ask(work, other)])
  expect(error).toMatchObject({ code: 'DAEMON_WORKER_LOST', phase: 'open', retry: 'may-help', context })
  expect(answer.code).toBe('DRIVER_ODD_ANSWER')
  expect(events.some(({ type }) => type === 'worker-lost')).toBe(true)
  expect(work.snapshot().slots.busy).toBe(0)
})

test('a fault in a job is told as one', async () => {
  const work = await start()
  expect(await ask(work, await image('fault', 'fault'))).toMatchObject({ code: 'INTERNAL' })
})

test('a deadline ends a job in every state, and one that does not listen too; what a killed worker held is freed before', async () => {
  const work = await startReady(4, { concurrency: 4 })
  const soon = (ms: number) => ({ deadlineMs: performance.now() + ms })
  const paths = await Promise.all(['sleep 600000', 'deaf 600000', 'stall', 'hold'].map((content, index) => image(String(index), content)))
  const [slept = ''] = paths
  const started = performance.now()
  const running = paths.map((path) => ask(work, path, soon(PATIENCE_MS)))
  await until(() => runningOnes(work) === 4)
  const outcomes = await Promise.all([...running, ask(work, slept, soon(500))])
  expect(performance.now() - started).toBeLessThan(PATIENCE_MS + 60_000)
  expect(outcomes.map(({ code, phase }) => [code, phase])).toEqual([...Array(4).fill(['TIMEOUT_JOB', 'open']), ['TIMEOUT_JOB', undefined]])
  expect(work.snapshot().slots).toMatchObject({ busy: 0, quarantined: 0 })
  expect(await readdir(config.workDirectory)).toEqual([])
  expect(events.some((event) => event.type === 'reclaimed' && event.findings.some(({ code }) => code === 'LEASE_FREED'))).toBe(true)
  expect((await ask(await start({ jobTimeoutMs: 300 }), slept)).code).toBe('TIMEOUT_JOB')
})

test('a process that cannot be ended, as if it waited for a device: its slot is given to others, its image is not', async () => {
  const kills: (() => void)[] = []
  // In the place of a kernel that does not get round to it.
  const createPool: typeof createWorkerPool = (...setup) => {
    const pool = createWorkerPool(...setup)
    const take = async () => {
      const worker = await pool.take()
      return { ...worker, kill: () => void kills.push(() => worker.kill()) }
    }
    return { ...pool, take }
  }
  const work = await start({ concurrency: 1 }, { createPool })
  const path = await image('stuck', 'stall')
  const cancel = new AbortController()
  const stuck = ask(work, path, { signal: cancel.signal })
  // From then on it hears of nothing.
  await until(() => events.some((event) => event.type === 'log' && event.event === 'odd.stalls'))
  cancel.abort()
  expect((await stuck).code).toBe('ABORTED')
  expect(work.snapshot().slots).toMatchObject({ busy: 0, quarantined: 1 })
  await image('stuck', 'answer 1')
  const again = ask(work, path)
  expect((await ask(work, await image('other', 'answer 1'))).code).toBe('DRIVER_ODD_ANSWER')
  expect(work.snapshot().jobs).toMatchObject([{ image: path, state: 'waiting' }])
  for (const kill of kills) kill()
  expect((await again).code).toBe('DRIVER_ODD_ANSWER')
  expect(work.snapshot().slots).toMatchObject({ busy: 0, quarantined: 0 })
})

test('a process that cannot be started in time, as where the state directory does not answer, keeps no slot; it is ended when it comes', async () => {
  const answers = Promise.withResolvers<void>()
  const late: WorkerProcess[] = []
  const createPool: typeof createWorkerPool = (...setup) => {
    const pool = createWorkerPool(...setup)
    const take = async () => {
      await answers.promise
      const worker = await pool.take()
      late.push(worker)
      return worker
    }
    return { ...pool, take }
  }
  const work = await start({ concurrency: 1 }, { createPool })
  const path = await image('image', 'answer 1')
  expect((await ask(work, path, { deadlineMs: performance.now() + 200 })).code).toBe('TIMEOUT_JOB')
  expect(work.snapshot()).toMatchObject({ slots: { busy: 0, quarantined: 0 }, jobs: [] })
  answers.resolve()
  await until(() => late.length === 1)
  await Promise.all(late.map(({ exited }) => exited))
  expect((await ask(work, path)).code).toBe('DRIVER_ODD_ANSWER')
})

test('a client cancels: while it waits, while it runs', async () => {
  const work = await start({ concurrency: 1 })
  const path = await image('image', 'sleep 60000')
  const [runs, waits] = [new AbortController(), new AbortController()]
  const running = ask(work, path, { signal: runs.signal })
  await until(() => runningOnes(work) === 1)
  const waiting = ask(work, path, { signal: waits.signal })
  waits.abort()
  expect((await waiting).code).toBe('ABORTED')
  expect(work.snapshot().jobs).toMatchObject([{ state: 'running' }])
  runs.abort()
  expect((await running).code).toBe('ABORTED')
  expect((await ask(work, path, { signal: AbortSignal.abort() })).code).toBe('ABORTED')
})

test('what cannot be freed at start is shown, and does not keep anybody from working', async () => {
  await mkdir(config.stateDirectory)
  const path = join(config.stateDirectory, 'left.json')
  const owner = { pid: 2 ** 22, startTicks: 1, bootId: 'of another boot' }
  await writeFile(path, JSON.stringify({ owner, lease: { kind: 'loop-device', details: {} } }))
  const work = await start()
  expect(work.snapshot().residue).toMatchObject([{ code: 'LEASE_NOT_FREED', path }])
  expect(events).toMatchObject([{ type: 'reclaimed', findings: [{ code: 'LEASE_NOT_FREED' }] }])
  expect((await ask(work, await image('image', 'answer 1'))).code).toBe('DRIVER_ODD_ANSWER')
  await rm(path)
})

test('an image that somebody else holds is asked for again, until it is free or the deadline has come', async () => {
  const work = await startReady(2, {}, { lockedAgainMs: 50 })
  const [path, locked] = await Promise.all([image('image', 'locked'), image('always', 'locked')])
  const answer = ask(work, path)
  const never = ask(work, locked, { deadlineMs: performance.now() + PATIENCE_MS })
  const timesAsked = () =>
    events.filter((event) => event.type === 'log' && event.event === 'image.locked' && event.fields['image'] === path).length
  await until(() => timesAsked() >= 2)
  await image('image', 'answer 1')
  expect((await answer).code).toBe('DRIVER_ODD_ANSWER')
  expect(await never).toMatchObject({ code: 'IMAGE_LOCKED', phase: 'open' })
  expect(events.filter(({ type }) => type === 'started')).toHaveLength(2)
})

test('images outside the roots are refused, by links too', async () => {
  const work = await start()
  const outside = join(base, 'outside')
  await writeFile(outside, 'answer 1'.padEnd(512, '\0'))
  await symlink(outside, join(base, 'images', 'link'))
  const paths = [outside, join(base, 'images', 'link'), '/dev/null', join(base, 'images', 'none')]
  const answers = await Promise.all(paths.map((path) => ask(work, path)))
  expect(answers.map(({ code }) => code)).toEqual(['IMAGE_PATH_REFUSED', 'IMAGE_PATH_REFUSED', 'IMAGE_NOT_A_DISK', 'IMAGE_NOT_FOUND'])
})

test('arguments and environment of a worker say nothing of the configuration or the job', async () => {
  vi.stubEnv('HOST_DEPLOYER_CANARY', 'canary')
  const work = await start({ driverOptions: { password: 'canary' } })
  const path = await image('image', 'sleep 60000')
  const cancel = new AbortController()
  const request = { users: [], seed: { userData: new Secret('canary') }, cloud_init: 'keep' as const }
  const job = work.submit({ kind: 'deploy', image: { path }, request }, { client: 'a', label: 'Test', signal: cancel.signal })
  await until(() => work.snapshot().jobs[0]?.phase === 'open')
  const workers = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    workers.map(async (pid) => {
      const [words = '', environment = ''] = await Promise.all(
        ['cmdline', 'environ'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '')),
      )
      return words.includes('host-deployer-worker') && words.includes(config.cacheDirectory) ? [`${words} ${environment}`] : []
    }),
  )
  expect(found.flat()).toHaveLength(1)
  expect(found.flat().join()).not.toContain('canary')
  expect(JSON.stringify([work.snapshot(), events])).not.toContain('canary')
  cancel.abort()
  await expect(job).rejects.toMatchObject({ code: 'ABORTED' })
  vi.unstubAllEnvs()
})

test('draining lets jobs end within its limit, and takes no more', async () => {
  const work = await start({ concurrency: 1 })
  const [short, long] = await Promise.all([image('short', 'wait'), image('long', 'sleep 600000')])
  const ends = ask(work, short)
  await until(() => work.snapshot().jobs.some(({ phase }) => phase === 'open'))
  const waits = ask(work, long)
  const draining = work.drain(PATIENCE_MS)
  expect((await ask(work, short)).code).toBe('DAEMON_STOPPING')
  await image('short', 'answer 1')
  await draining
  expect([(await ends).code, (await waits).code]).toEqual(['DRIVER_ODD_ANSWER', 'DAEMON_STOPPING'])
  expect(work.snapshot()).toMatchObject({ accepting: false, jobs: [], workers: { spare: 0, running: 0 } })
})

test('workers that start, or are replaced, while it drains are gone and forgotten after it', async () => {
  for (const afterMs of [0, 1, 5, 20, 100]) {
    const work = await start({ spareWorkers: 3 })
    await new Promise((resolve) => setTimeout(resolve, afterMs))
    work.reconfigure({ ...config, spareWorkers: 2, driverOptions: { usable: false } })
    await new Promise((resolve) => setTimeout(resolve, afterMs))
    await work.drain(0)
    expect(await listLeases(config.stateDirectory)).toEqual([])
  }
})

test('the driver is asked in a worker: whether it works, what it makes ahead, why it cannot be loaded', async () => {
  const work = await start({ driverOptions: { usable: false }, spareWorkers: 1 })
  expect((await work.probeDriver()).usable).toBe(false)
  const { artefact } = await work.prepareDriver()
  expect(artefact?.sizeBytes).not.toBe(process.pid)
  work.reconfigure({ ...config, spareWorkers: 1 })
  expect((await work.probeDriver()).usable).toBe(true)
  const none = await start({ driver: './none.ts' })
  await expect(none.probeDriver()).rejects.toMatchObject({ code: 'DRIVER_NOT_FOUND' })
  expect((await ask(none, await image('image', 'answer 1'))).code).toBe('DRIVER_NOT_FOUND')
})
