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
testDriver({
  driver,
  module: new URL('./driver.ts', import.meta.url),
  options: { appliance: applianceUnderTest, accel: 'tcg', template: 'off' },
  framework: { describe, it, beforeAll, afterAll },
  // Once it runs, a VM that was booted is like one that was cloned: all groups for it are for `./dev test soak`.
  ...(process.env['HOST_DEPLOYER_SOAK'] === undefined && { groups: ['lifecycle', 'kill', 'leak'] as const }),
})
