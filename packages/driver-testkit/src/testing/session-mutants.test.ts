import { afterEach } from 'vitest'
import { describeMutants } from './describe-mutants.test-support.ts'
import { leaked, sessionMutants } from './session-mutants.ts'

afterEach(async () => {
  for (const each of leaked.splice(0)) await each.close().catch(() => {})
})

describeMutants(sessionMutants)
