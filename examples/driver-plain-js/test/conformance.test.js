import { after, before, describe, it } from 'node:test'
import { testDriver } from '@host-deployer/driver-testkit'
import { driver } from '../index.js'

// The module is loaded by another process, too: one that is killed.
const module = new URL('../index.js', import.meta.url).href
testDriver({ driver, module, options: { trustImages: true }, framework: { describe, it, beforeAll: before, afterAll: after } })
