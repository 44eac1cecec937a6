import { DeployError } from '@host-deployer/driver-api'

/** `DAEMON_NOT_IMPLEMENTED`, thrown before anything was opened. */
export function notImplemented(feature: string): DeployError {
  return new DeployError('DAEMON_NOT_IMPLEMENTED', `Not there yet: ${feature}`, {
    hint: 'Keep the old service for this; docs/migrate-from-cloudpods.md has the table of what is there.',
    context: { feature },
  })
}
