// Where this package's integration tests take the appliance from: `HOST_DEPLOYER_E2E_APPLIANCE`, else where the command puts the one it builds.
import { homedir } from 'node:os'
import { join } from 'node:path'

const cacheBase = process.env['XDG_CACHE_HOME']?.startsWith('/') ? process.env['XDG_CACHE_HOME'] : join(homedir(), '.cache')

export const applianceUnderTest = process.env['HOST_DEPLOYER_E2E_APPLIANCE'] ?? join(cacheBase, 'host-deployer', 'appliance', 'amd64')
