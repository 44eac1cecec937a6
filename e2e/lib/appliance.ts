import { rmSync } from 'node:fs'
import { chmod, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildAppliance } from '@host-deployer/appliance'
import { type Driver, type DriverContext, hostPath } from '@host-deployer/driver-api'
import { createFileLeaseJournal } from '@host-deployer/driver-kit'
import { loadDriver } from '@host-deployer/driver-loader'
import { applianceDirectory } from './appliance-directory.ts'
import { cacheDirectory } from './cache.ts'
import { isTestFile, keepOnFailure } from './evidence.ts'

let current: Promise<unknown> | undefined

/** Builds the appliance unless it is there and current. A process looks once: it takes a third of a second, and there are hundreds of sessions. */
export async function ensureAppliance(log: (line: string) => void = () => {}): Promise<void> {
  if (process.env['HOST_DEPLOYER_E2E_APPLIANCE'] !== undefined) return
  current ??= buildAppliance({
    outDirectory: applianceDirectory(),
    cacheDirectory: cacheDirectory(),
    onStep: (step) => log(`appliance: ${step}`),
  })
  await current
}

let work: Promise<string> | undefined

async function createWorkDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'hd-e2e-work-'))
  // QEMU runs as another user.
  await chmod(directory, 0o711)
  if (isTestFile()) keepOnFailure(directory)
  else process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  return directory
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
  work ??= createWorkDirectory()
  const directory = await work
  return {
    driver: loaded.driver,
    context: {
      options: loaded.options,
      workDirectory: hostPath(directory),
      cacheDirectory: hostPath(cacheDirectory()),
      logger: { debug() {}, info() {}, warn() {} },
      leases: createFileLeaseJournal(hostPath(join(directory, 'leases'))),
      keepOnFailure: true,
    },
  }
}
