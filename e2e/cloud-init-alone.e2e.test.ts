import { expect, test } from 'vitest'
import { createCloudGuest } from './lib/cloud-guest.ts'

// With a data source the gate looks at two boots (cloud-init-contradicted); without one cloud-init does not even start.
const boots = process.env['HOST_DEPLOYER_SOAK'] === undefined ? 1 : 2

test('keep, without a data source: every boot shows the same guest', async () => {
  const guest = await createCloudGuest('cloud-alone')
  const report = await guest.deploy('--grow')
  expect(report.cloudInit).toEqual({ installed: true, mode: 'keep' })
  for (let boot = 1; boot <= boots; boot += 1) await guest.boot({ last: boot === boots })
})
