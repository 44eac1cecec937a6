import { diskMutants } from './disk-mutants.ts'
import { execMutants } from './exec-mutants.ts'
import { fsMutants } from './fs-mutants.ts'
import { killMutants } from './kill-mutants.ts'
import { mountMutants } from './mount-mutants.ts'
import type { Mutant } from './mutant.ts'
import { sessionMutants } from './session-mutants.ts'

/** Drivers that are wrong in one way each, by what is wrong with them. */
export const mutants: Readonly<Record<string, Mutant>> = {
  ...sessionMutants,
  ...execMutants,
  ...fsMutants,
  ...diskMutants,
  ...killMutants,
  ...mountMutants,
}
