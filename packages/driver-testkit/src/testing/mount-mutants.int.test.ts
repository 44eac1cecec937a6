import { describeMutants } from './describe-mutants.test-support.ts'
import { mountMutants } from './mount-mutants.ts'

describeMutants(mountMutants)
