import { testDriver } from '@host-deployer/driver-testkit'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { driver } from '../src/index.ts'

testDriver({ driver, framework: { describe, it, beforeAll, afterAll } })
