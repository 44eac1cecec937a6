import { testDriver } from '@host-deployer/driver-testkit'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { driver } from '../src/index.ts'

// The module is loaded by another process, too: one that is killed.
const module = new URL('../src/index.ts', import.meta.url).href
testDriver({ driver, module, options: { trustImages: true }, framework: { describe, it, beforeAll, afterAll } })
