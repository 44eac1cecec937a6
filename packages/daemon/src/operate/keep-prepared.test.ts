import type { Preparation, Probe } from '@host-deployer/driver-api'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createLogger } from './create-logger.ts'
import { createHealth } from './health.ts'
import { keepPrepared } from './keep-prepared.ts'
import { watchDriver } from './watch-driver.ts'

const MINUTE_MS = 60_000

const withTemplate = (data?: Readonly<Record<string, boolean | string>>): Probe => ({
  usable: true,
  findings: data === undefined ? [] : [{ subject: 'template', ok: true, detail: 'd', data }],
})
const held = withTemplate({ template: 'present', held: true })

/** With the first preparation done. */
async function start(first: Probe = held) {
  const logger = createLogger({ logLevel: 'info' }, { write: () => {} })
  const now = { probe: first, ms: 0, outcome: (): Promise<Preparation> => Promise.resolve({ outcome: 'made', detail: 'd' }) }
  const driver = watchDriver({ probe: async () => now.probe, health: createHealth(), logger, everyMs: 3_600_000 })
  onTestFinished(() => driver.stop())
  await driver.refresh()
  const stop = new AbortController()
  const prepare = vi.fn(() => now.outcome())
  const again = keepPrepared({ prepare, driver, logger, stop: stop.signal, clock: () => now.ms })
  await new Promise(setImmediate)
  /** What the next probe finds, so much later; how often it was prepared by then. */
  const look = async (probe: Probe, laterMs: number): Promise<number> => {
    now.probe = probe
    now.ms += laterMs
    await driver.refresh()
    await new Promise(setImmediate)
    return prepare.mock.calls.length
  }
  return { now, look, again, stop, prepare }
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
  ['a driver that does not work now', { ...withTemplate({ template: 'absent' }), usable: false }],
])('%s: nothing is tried', async (_, probe) => {
  const { look } = await start()
  expect(await look(probe, 60 * MINUTE_MS)).toBe(1)
  expect(await look(probe, 60 * MINUTE_MS)).toBe(1)
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
