import { describeMutants } from './describe-mutants.test-support.ts'
import { execMutants } from './exec-mutants.ts'

describeMutants(execMutants)
