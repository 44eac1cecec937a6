import { afterAll, type RunnerTask } from 'vitest'
import { settleEvidence, startCollecting } from './evidence.ts'

startCollecting()

// Registered before any hook of the file, so run after all of them; a hook that failed counts, too.
// biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures a hook wants: none
afterAll(({}, suite) => settleEvidence(hasFailed(suite)))

function hasFailed(task: RunnerTask): boolean {
  return task.result?.state === 'fail' || ('tasks' in task && task.tasks.some(hasFailed))
}
