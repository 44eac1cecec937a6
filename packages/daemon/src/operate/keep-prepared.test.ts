import type { Preparation, Probe } from '@host-deployer/driver-api'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { PreparationPurpose } from '../work/messages.ts'
import type { WorkSnapshot } from '../work/work.ts'
import { createLogger } from './create-logger.ts'
import { createHealth } from './health.ts'
import { keepPrepared } from './keep-prepared.ts'
import { idle, scriptedWork } from './testing/scripted-work.ts'
import { watchDriver } from './watch-driver.ts'

const MINUTE_MS = 60_000

const withTemplate = (data?: Readonly<Record<string, boolean | number | string>>): Probe => ({
  usable: true,
  findings: data === undefined ? [] : [{ subject: 'template', ok: true, detail: 'd', data }],
})
const held = withTemplate({ template: 'present', held: true, fileBytes: 1 })
const onlyHeld = withTemplate({ template: 'present', held: true, fileBytes: 0 })

const busy: WorkSnapshot = {
  ...idle,
  jobs: [
    {
      ...{ id: 'j', kind: 'probe', label: 'l', client: 'c', image: '/i', state: 'running', phase: null },
      ...{ waitedMs: 0, runningMs: 0 },
    },
  ],
}

/** With the first preparation done. */
async function start(first: Probe = held) {
  const logger = createLogger({ logLevel: 'info' }, { write: () => {} })
  const now = { probe: first, ms: 0, outcome: (): Promise<Preparation> => Promise.resolve({ outcome: 'made', detail: 'd' }) }
  const driver = watchDriver({ probe: async () => now.probe, health: createHealth(), logger, everyMs: 3_600_000 })
  onTestFinished(() => driver.stop())
  await driver.refresh()
  const stop = new AbortController()
  const work = scriptedWork()
  const prepare = vi.fn((_: PreparationPurpose) => now.outcome())
  const again = keepPrepared({ prepare, work, driver, logger, stop: stop.signal, clock: () => now.ms })
  await new Promise(setImmediate)
  const purposes = () => prepare.mock.calls.map(([purpose]) => purpose)
  /** What the next probe finds, so much later; how often it was prepared by then. */
  const look = async (probe: Probe, laterMs: number): Promise<number> => {
    now.probe = probe
    now.ms += laterMs
    await driver.refresh()
    await new Promise(setImmediate)
    return prepare.mock.calls.length
  }
  return { now, look, again, stop, prepare, purposes, work }
}

test.each([
  ['whose memory nobody holds', { template: 'present', held: false }],
  ['that is not there', { template: 'absent' }],
  ['that could not be made', { template: 'failed' }],
])('a template %s is made again, every ten minutes at most', async (_, data) => {
  const { look } = await start()
  expect(await look(held, 60 * MINUTE_MS)).toBe(1)
  expect(await look(withTemplate(data), MINUTE_MS)).toBe(2)
  expect(await look(withTemplate(data), 9 * MINUTE_MS)).toBe(2)
  expect(await look(withTemplate(data), MINUTE_MS)).toBe(3)
  expect(await look(held, 60 * MINUTE_MS)).toBe(3)
})

test.each([
  ['a driver without templates', withTemplate()],
  ['one that is not wanted', withTemplate({ template: 'off' })],
  ['one that cannot be', withTemplate({ template: 'impossible' })],
  ['one of a driver that holds none', withTemplate({ template: 'present' })],
  ['one that is held by a driver that says nothing of files', withTemplate({ template: 'present', held: true })],
  ['a driver that does not work now', { ...withTemplate({ template: 'absent' }), usable: false }],
])('%s: nothing is tried', async (_, probe) => {
  const { look } = await start()
  expect(await look(probe, 60 * MINUTE_MS)).toBe(1)
  expect(await look(probe, 60 * MINUTE_MS)).toBe(1)
})

test('one that ends with the daemon: one for the next daemon is made as soon as there is no job, every ten minutes at most', async () => {
  const { now, look, purposes, work } = await start()
  work.now = busy
  await look(onlyHeld, MINUTE_MS)
  expect(purposes()).toEqual(['jobs'])
  now.outcome = () => Promise.reject(new TypeError('no room'))
  const done = { type: 'done', id: 'j', kind: 'probe', ms: 1, diagnostics: [] } as const
  // There is another one yet.
  work.emit(done)
  expect(purposes()).toEqual(['jobs'])
  work.now = idle
  work.emit(done)
  expect(purposes()).toEqual(['jobs', 'next-daemon'])
  await new Promise(setImmediate)
  work.emit(done)
  expect(await look(onlyHeld, 9 * MINUTE_MS)).toBe(2)
  expect(await look(onlyHeld, MINUTE_MS)).toBe(3)
  expect(purposes()).toEqual(['jobs', 'next-daemon', 'next-daemon'])
  expect(await look(held, 60 * MINUTE_MS)).toBe(3)
  work.emit(done)
  expect(purposes()).toHaveLength(3)
})

test('one for the next daemon is made at once where there is no job, in ten minutes where there always is one', async () => {
  const quiet = await start(onlyHeld)
  expect(quiet.purposes()).toEqual(['jobs', 'next-daemon'])
  const { look, purposes, work } = await start()
  work.now = busy
  expect(await look(onlyHeld, 9 * MINUTE_MS)).toBe(1)
  await look(onlyHeld, MINUTE_MS)
  expect(purposes()).toEqual(['jobs', 'next-daemon'])
})

test('what jobs of this daemon lack comes first', async () => {
  const { look, purposes } = await start()
  await look(withTemplate({ template: 'present', held: false, fileBytes: 0 }), 60 * MINUTE_MS)
  expect(purposes()).toEqual(['jobs', 'jobs'])
})

test('a driver that does not work at first is prepared as soon as it does', async () => {
  const broken = { ...withTemplate(), usable: false }
  const { look } = await start(broken)
  expect(await look(broken, 60 * MINUTE_MS)).toBe(0)
  expect(await look(withTemplate({ template: 'absent' }), MINUTE_MS)).toBe(1)
  expect(await look(broken, MINUTE_MS)).toBe(1)
  expect(await look(held, MINUTE_MS)).toBe(2)
  expect(await look(held, 60 * MINUTE_MS)).toBe(2)
})

test('one at a time by itself; another driver at once; nothing after the end', async () => {
  const { now, look, again, stop, prepare } = await start()
  const lost = withTemplate({ template: 'absent' })
  const slow = Promise.withResolvers<Preparation>()
  now.outcome = () => slow.promise
  expect(await look(lost, 60 * MINUTE_MS)).toBe(2)
  expect(await look(lost, 60 * MINUTE_MS)).toBe(2)
  again()
  expect(prepare).toHaveBeenCalledTimes(3)
  slow.reject(new TypeError('x'))
  expect(await look(lost, 60 * MINUTE_MS)).toBe(3)
  expect(await look(lost, 60 * MINUTE_MS)).toBe(4)
  stop.abort()
  expect(await look(lost, 60 * MINUTE_MS)).toBe(4)
})
