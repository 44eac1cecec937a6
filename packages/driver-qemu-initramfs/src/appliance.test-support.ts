// Where this package's integration tests take the appliance from: `HOST_DEPLOYER_E2E_APPLIANCE`, else where the command puts the one it builds.
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { ApplianceManifest } from './appliance-manifest.ts'

const cacheBase = process.env['XDG_CACHE_HOME']?.startsWith('/') ? process.env['XDG_CACHE_HOME'] : join(homedir(), '.cache')

export const applianceUnderTest = process.env['HOST_DEPLOYER_E2E_APPLIANCE'] ?? join(cacheBase, 'host-deployer', 'appliance', 'amd64')

/** What the manifest of an appliance with these files says, and no packages. */
export function manifestOf(kernel: ApplianceManifest['kernel'], initramfs: ApplianceManifest['initramfs']): ApplianceManifest {
  const fixed = { apiVersion: 1, architecture: 'amd64', id: '0'.repeat(64), kernelVersion: '6.12.1', kernelCommandLine: 'quiet' } as const
  return { ...fixed, minimumMemoryMiB: 256, kernel, initramfs, packages: [] }
}
