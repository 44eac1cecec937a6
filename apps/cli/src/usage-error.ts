import { DeployError } from '@host-deployer/driver-api'
import type { CommanderError } from 'commander'
import { reportFailure } from './report-failure.ts'

/** What was wrong with the command line, as the document that `--json` promises; people have been told already. Gives the exit code. */
export function reportUsageError({ code, message }: CommanderError): Promise<number> {
  // Without a command it has printed the help, and has no message.
  const isHelp = code === 'commander.help'
  const said = isHelp ? 'There is no command' : message.replace(/^error: /, '')
  return reportFailure(
    new DeployError('USAGE_INVALID', said, { hint: 'host-deployer --help, or that of the command, has what can be given.' }),
    true,
  )
}
