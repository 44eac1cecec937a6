import type { Mutant } from './mutant.ts'

/** Faults in what is left when the process is killed. */
export const killMutants: Readonly<Record<string, Mutant>> = {
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
        run(argv[0] === 'sh' && argv.length === 6 ? ['sh', '-c', '(setsid "$@" &); exec sleep 60', 'sh', ...argv] : argv, options),
    },
    groups: ['kill'],
    found: ['kill.running'],
  },
}
