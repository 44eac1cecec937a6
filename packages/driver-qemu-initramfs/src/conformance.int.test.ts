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
})
