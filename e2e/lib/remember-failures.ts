import { afterEach } from 'vitest'
import { rememberFailure } from './failures.ts'

afterEach(({ task }) => {
  if (task.result?.state === 'fail') rememberFailure()
})
