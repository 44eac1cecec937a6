import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Driver, type DriverContext, hostPath } from '@host-deployer/driver-api'
import { createFileLeaseJournal } from '@host-deployer/driver-kit'
import { loadDriver } from '@host-deployer/driver-loader'
import { cacheDirectory } from '@host-deployer/e2e/lib/cache'

/** A driver and what its calls get; sessions live in `directory`, templates in the user's cache. */
export async function openDriver(
  name: string,
  directory: string,
  options: Readonly<Record<string, unknown>>,
): Promise<{ readonly driver: Driver; readonly context: DriverContext<unknown> }> {
  const loaded = await loadDriver(name, { from: [import.meta.dirname], options })
  const workDirectory = join(directory, 'sessions')
  // QEMU runs as another user.
  await mkdir(workDirectory, { recursive: true, mode: 0o711 })
  return {
    driver: loaded.driver,
    context: {
      options: loaded.options,
      workDirectory: hostPath(workDirectory),
      cacheDirectory: hostPath(cacheDirectory()),
      logger: { debug() {}, info() {}, warn() {} },
      leases: createFileLeaseJournal(hostPath(join(directory, 'leases'))),
    },
  }
}
