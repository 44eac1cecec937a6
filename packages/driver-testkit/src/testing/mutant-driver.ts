// A module whose `driver` is the mutant named in its address: `mutant-driver.ts?leaks%20a%20directory`.
import type { Driver } from '@host-deployer/driver-api'
import { mutants } from './mutants.ts'
import { plantFault } from './plant-fault.ts'

const name = decodeURIComponent(new URL(import.meta.url).search.slice(1))

export const driver: Driver<object> = plantFault(mutants[name]?.fault ?? {})
