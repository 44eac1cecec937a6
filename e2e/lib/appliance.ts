import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildAppliance } from '@host-deployer/appliance'
import { type Driver, type DriverContext, hostPath } from '@host-deployer/driver-api'
import { createFileLeaseJournal } from '@host-deployer/driver-kit'
import { loadDriver } from '@host-deployer/driver-loader'
import { cacheDirectory } from './cache.ts'

/** Where the command looks for the appliance when nothing is said. */
export function applianceDirectory(): string {
  return process.env['HOST_DEPLOYER_E2E_APPLIANCE'] ?? join(cacheDirectory(), 'appliance', 'amd64')
}

/** Builds the appliance unless it is there and current. */
export async function ensureAppliance(log: (line: string) => void = () => {}): Promise<void> {
  if (process.env['HOST_DEPLOYER_E2E_APPLIANCE'] !== undefined) return
  await buildAppliance({
    outDirectory: applianceDirectory(),
    cacheDirectory: cacheDirectory(),
    onStep: (step) => log(`appliance: ${step}`),
  })
}

/** The driver under test with a context as the command would make it. */
export async function openTestDriver(
  options: Readonly<Record<string, unknown>> = {},
): Promise<{ driver: Driver; context: DriverContext<unknown> }> {
  await ensureAppliance()
  const loaded = await loadDriver('qemu-initramfs', {
    from: [import.meta.dirname],
    options: { appliance: applianceDirectory(), ...options },
  })
  const work = join(tmpdir(), `host-deployer-e2e-${process.pid}`)
  await mkdir(work, { recursive: true, mode: 0o711 })
  return {
    driver: loaded.driver,
    context: {
      options: loaded.options,
      workDirectory: hostPath(work),
      cacheDirectory: hostPath(cacheDirectory()),
      logger: { debug() {}, info() {}, warn() {} },
      leases: createFileLeaseJournal(hostPath(join(work, 'leases'))),
    },
  }
}
