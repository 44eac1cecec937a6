import { after, before, describe, it } from 'node:test'
import { testDriver } from '@host-deployer/driver-testkit'
import { driver } from '../index.js'

testDriver({ driver, framework: { describe, it, beforeAll: before, afterAll: after } })
