import type { GroupName } from '../check.ts'
import type { Fault } from './plant-fault.ts'

/** A driver with one planted fault, and the checks of which one has to find it. */
export interface Mutant {
  readonly fault: Fault
  readonly groups: readonly GroupName[]
  readonly found: readonly string[]
}
