import { testDriver } from '@host-deployer/driver-testkit'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { driver } from './driver.ts'

testDriver({
  driver,
  module: new URL('./driver.ts', import.meta.url),
  options: { trustImages: true, attach: 'fuse' },
  framework: { describe, it, beforeAll, afterAll },
})
