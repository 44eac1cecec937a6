import { once } from 'node:events'
import { execa } from 'execa'
// Nothing of the workspace: vitest resolves what this imports without our export condition, and there need not be a build.
import { applianceDirectory } from './appliance-directory.ts'
import { commandLine } from './command-line.ts'

/**
 * For all test files: the template's memory is held while they run, as a daemon holds it on a host in use, and daemons of the tests join. Where it cannot be
 * held, or there is no appliance yet, tests take longer and nothing else.
 */
export async function setup(): Promise<() => Promise<void>> {
  const [node, ...args] = commandLine(['appliance', 'warm', '--hold', '--json', '--appliance', applianceDirectory()])
  // However these tests end, nobody holds it then.
  const holding = execa('setpriv', ['--pdeathsig', 'TERM', node, ...args], { reject: false, stderr: 'ignore' })
  await Promise.race([once(holding.stdout, 'data'), holding])
  return async () => {
    holding.kill('SIGTERM')
    await holding
  }
}
