import { join } from 'node:path'
import { execa } from 'execa'
import { timed } from './benchmark.ts'

const root = join(import.meta.dirname, '..')
/** The command that users install. */
export const builtMain = join(root, 'apps', 'cli', 'dist', 'main.js')

/** Builds what is not built or out of date. */
export async function buildCommand(): Promise<void> {
  await execa('pnpm', ['run', 'build'], { cwd: root, stdin: 'ignore' })
}

/** What a run of the built command took, start of the process to its exit, and the document it printed. */
export interface CommandRun<T> {
  readonly seconds: number
  readonly report: T
  readonly stderr: string
}

/** Runs the command that users install, with `--json` and what is added to its environment. Rejects when it does not exit with 0. */
export async function runBuilt<T>(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CommandRun<T>> {
  const { seconds, result } = await timed(() =>
    execa(process.execPath, [builtMain, ...args, '--json'], { stdin: 'ignore', timeout: 600_000, env }),
  )
  return { seconds, report: JSON.parse(result.stdout) as T, stderr: result.stderr }
}
