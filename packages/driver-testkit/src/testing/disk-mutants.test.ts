import { describeMutants } from './describe-mutants.test-support.ts'
import { diskMutants } from './disk-mutants.ts'

describeMutants(diskMutants)
