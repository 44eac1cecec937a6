import { DeployError } from '@host-deployer/driver-api'
import type { CommanderError } from 'commander'
import { reportFailure } from './report-failure.ts'

/** What was wrong with the command line, as the document that `--json` promises; people have been told already. Gives the exit code. */
export function reportUsageError({ message }: CommanderError): Promise<number> {
  const hint = 'host-deployer --help, or that of the command, has what can be given.'
  return reportFailure(new DeployError('USAGE_INVALID', message.replace(/^error: /, ''), { hint }), true)
}
