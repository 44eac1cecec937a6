import { testDriver } from '@host-deployer/driver-testkit'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { applianceUnderTest } from './appliance.test-support.ts'
import { driver } from './driver.ts'

testDriver({
  driver,
  module: new URL('./driver.ts', import.meta.url),
  options: { appliance: applianceUnderTest, accel: 'tcg', template: 'auto' },
  framework: { describe, it, beforeAll, afterAll },
})

const isSoak = process.env['HOST_DEPLOYER_SOAK'] !== undefined
// Of a session that is open already. Once it runs, a VM that was booted is like one that was cloned: all checks and groups for it are for `./dev test soak`.
const afterwards = [
  ...['lifecycle.close-twice', 'lifecycle.closed-refuses'],
  ...['kill.open', 'kill.running', 'kill.closing', 'kill.live-untouched'],
]
testDriver({
  driver,
  module: new URL('./driver.ts', import.meta.url),
  options: { appliance: applianceUnderTest, accel: 'tcg', template: 'off' },
  framework: {
    ...{ describe, beforeAll, afterAll },
    it(title, body) {
      if (isSoak || !afterwards.includes(title.split(':')[0] ?? '')) it(title, body)
    },
  },
  ...(!isSoak && { groups: ['lifecycle', 'kill'] as const }),
})
