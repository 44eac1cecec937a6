import { join } from 'node:path'
import { cacheDirectory } from './cache.ts'

/** Where the command looks for the appliance when nothing is said. */
export function applianceDirectory(): string {
  return process.env['HOST_DEPLOYER_E2E_APPLIANCE'] ?? join(cacheDirectory(), 'appliance', 'amd64')
}
