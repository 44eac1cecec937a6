import { defineConfig } from 'vitest/config'
import { LongestFirst } from './tools/test/longest-first.ts'

// The workspace runs from source: packages resolve each other through this export condition, nothing has to be built first.
const conditions = ['@host-deployer/source', 'node', 'import', 'module', 'default']

// More than the two processors these stages are meant for: with two at a time, processors have nothing to do for a fifth of it, while files wait for guests,
// for limits that run out, for what they have killed, and of three often two wait.
const workersThatWait = 4

const project = (name: string, include: string[], extra: Record<string, unknown> = {}) => ({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    name,
    include,
    execArgv: ['--conditions=@host-deployer/source'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    // What is waited for comes within a moment, on a machine with other work within a minute.
    expect: { poll: { timeout: 60_000 } },
    ...extra,
  },
})

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      project(
        'unit',
        [
          'packages/*/src/**/!(*.int).test.ts',
          'apps/*/src/**/!(*.int).test.ts',
          'tools/**/!(*.int).test.ts',
          'e2e/lib/*.test.ts',
          'bench/**/*.test.ts',
        ],
        // Many short files: a process for each, which loads everything anew, would take a third of the time. A file puts back what it changes of its process.
        // A few wait for limits that run out.
        { maxWorkers: 3, isolate: false, testTimeout: 120_000, hookTimeout: 120_000 },
      ),
      project('integration', ['packages/*/src/**/*.int.test.ts', 'apps/*/src/**/*.int.test.ts', 'tools/**/*.int.test.ts'], {
        testTimeout: 120_000,
        hookTimeout: 300_000,
        maxWorkers: workersThatWait,
      }),
      project('e2e', ['e2e/**/*.e2e.test.ts'], {
        // `./dev test soak` runs loops with their full counts.
        testTimeout: process.env['HOST_DEPLOYER_SOAK'] === undefined ? 1_200_000 : 14_400_000,
        hookTimeout: 900_000,
        maxWorkers: workersThatWait,
        globalSetup: ['e2e/lib/hold-template.setup.ts'],
        setupFiles: ['e2e/lib/settle-evidence.setup.ts'],
      }),
    ],
  },
})
