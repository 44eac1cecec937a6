import { describeMutants } from './describe-mutants.test-support.ts'
import { fsMutants } from './fs-mutants.ts'

describeMutants(fsMutants)
