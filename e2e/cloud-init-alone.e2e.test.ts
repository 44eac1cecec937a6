import { expect, test } from 'vitest'
import { createCloudGuest } from './lib/cloud-guest.ts'

test('keep, without a data source: every boot shows the same guest', async () => {
  const guest = await createCloudGuest('cloud-alone')
  const report = await guest.deploy('--grow')
  expect(report.cloudInit).toEqual({ installed: true, mode: 'keep' })
  await guest.boot({ last: false })
  await guest.boot()
})
