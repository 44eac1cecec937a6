import type { Probe } from '@host-deployer/driver-api'
import { expect, onTestFinished, test } from 'vitest'
import { createLogger } from './create-logger.ts'
import { createHealth } from './health.ts'
import { watchDriver } from './watch-driver.ts'

test('who asks while a probe runs gets the answer of the next one, and all who ask meanwhile share it', async () => {
  const probes: PromiseWithResolvers<Probe>[] = []
  const probe = () => {
    const asked = Promise.withResolvers<Probe>()
    probes.push(asked)
    return asked.promise
  }
  const health = createHealth()
  const driver = watchDriver({ probe, health, logger: createLogger({ logLevel: 'info' }, { write: () => {} }), everyMs: 3_600_000 })
  onTestFinished(() => driver.stop())
  const answer = (usable: boolean): Probe => ({ usable, findings: [] })

  const before = driver.refresh()
  const after = [driver.refresh(), driver.refresh()]
  await new Promise(setImmediate)
  probes[0]?.resolve(answer(false))
  expect(await before).toEqual(answer(false))
  await new Promise(setImmediate)
  probes[1]?.resolve(answer(true))
  expect(await Promise.all(after)).toEqual([answer(true), answer(true)])
  expect([probes.length, driver.last?.usable, health.conditions.driver.met]).toEqual([2, true, true])
})
