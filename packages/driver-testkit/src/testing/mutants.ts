import { diskMutants } from './disk-mutants.ts'
import { execMutants } from './exec-mutants.ts'
import { fsMutants } from './fs-mutants.ts'
import type { Mutant } from './mutant.ts'
import { sessionMutants } from './session-mutants.ts'

/** Drivers that are wrong in one way each, by what is wrong with them. */
export const mutants: Readonly<Record<string, Mutant>> = {
  ...sessionMutants,
  ...execMutants,
  ...fsMutants,
  ...diskMutants,
  'strikes leases out at once': {
    fault: {
      context: (context) => ({
        ...context,
        leases: {
          async record(lease) {
            await (await context.leases.record(lease))()
            return async () => {}
          },
        },
      }),
    },
    groups: ['kill'],
    found: ['kill.opening', 'kill.open'],
  },
  'programs outlive the process that started them': {
    fault: {
      exec: (run) => (argv, options) =>
        run(argv[0] === 'sh' && argv.length === 5 ? ['sh', '-c', '(setsid "$@" &); exec sleep 60', 'sh', ...argv] : argv, options),
    },
    groups: ['kill'],
    found: ['kill.running'],
  },
}
