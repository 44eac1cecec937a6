import type { Check } from './check.ts'
import { abortChecks } from './checks/abort.ts'
import { blockChecks } from './checks/block.ts'
import { execChecks } from './checks/exec.ts'
import { execLimitChecks } from './checks/exec-limits.ts'
import { fsChecks } from './checks/fs.ts'
import { fsErrorChecks } from './checks/fs-errors.ts'
import { fsMetadataChecks } from './checks/fs-metadata.ts'
import { hostileChecks } from './checks/hostile.ts'
import { killChecks } from './checks/kill.ts'
import { leakChecks } from './checks/leak.ts'
import { lifecycleChecks } from './checks/lifecycle.ts'
import { parallelChecks } from './checks/parallel.ts'

/** Every check, in the order they run. */
export const allChecks: readonly Check[] = [
  ...lifecycleChecks,
  ...abortChecks,
  ...execChecks,
  ...execLimitChecks,
  ...fsChecks,
  ...fsMetadataChecks,
  ...fsErrorChecks,
  ...blockChecks,
  ...hostileChecks,
  ...parallelChecks,
  ...killChecks,
  ...leakChecks,
]
