import type { GrownReport } from '@host-deployer/api'
import type { GrowStep } from '@host-deployer/block'

/** A step of a plan, as the report of what was done has it. Pure. */
export const grownReport = (step: GrowStep): GrownReport => ({
  kind: step.kind,
  device: step.kind === 'partition' ? step.node : step.device,
  sizeBytes: 'toBytes' in step ? step.toBytes : null,
})
