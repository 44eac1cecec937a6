import { describeMutants } from './describe-mutants.test-support.ts'
import { killMutants } from './kill-mutants.ts'

describeMutants(killMutants)
