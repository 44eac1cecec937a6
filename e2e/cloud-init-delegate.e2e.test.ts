import { expect, test } from 'vitest'
import { createCloudGuest } from './lib/cloud-guest.ts'

test('delegate: cloud-init does it all from the seed we left', async () => {
  const guest = await createCloudGuest('cloud-delegate')
  const report = await guest.deploy('--cloud-init', 'delegate')
  expect(report.cloudInit.mode).toBe('delegate')
  const paths = report.diff.map(({ path }) => path)
  expect(paths).toContain('/var/lib/cloud/seed/nocloud/user-data')
  expect(paths).not.toContain('/etc/passwd')
  expect((await guest.deploy('--cloud-init', 'delegate')).changed).toBe(false)
  await guest.boot({ runs: true })
})
