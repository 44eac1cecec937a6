import { join } from 'node:path'

const main = join(import.meta.dirname, '..', '..', 'apps', 'cli', 'src', 'main.ts')

/** How the command of this checkout is started: program and arguments. */
export function commandLine(args: readonly string[]): [string, ...string[]] {
  return [process.execPath, '--conditions=@host-deployer/source', main, ...args]
}
