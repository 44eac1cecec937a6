import { randomBytes } from 'node:crypto'
import { DriverError } from '@host-deployer/driver-api'
import { STATE_FD } from './qemu-command-line.ts'
import type { QmpClient } from './qmp-client.ts'

/** What a booted appliance waits for before it starts the SSH server, see docs/appliance.md. */
export const goByte = 'G'

const SEED_BYTES = 64

/** The same for a clone: fresh randomness that it mixes in first. */
export function reseedingGo(): string {
  return `R${randomBytes(SEED_BYTES).toString('hex')}\n`
}

/** Of QEMU: memory that is shared with a file stays where it is, out of the saved state. */
export const IGNORE_SHARED = 'x-ignore-shared'

/**
 * Loads the saved state that QEMU has inherited, without the memory when that is there already; the VM stays stopped. `DRIVER_RESTORE_FAILED`; where
 * QEMU ends over it, `DRIVER_QMP_LOST`.
 */
export async function restoreState(qmp: QmpClient, hasMemory: boolean): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const notRestored = new DriverError('DRIVER_RESTORE_FAILED', 'QEMU could not load the saved state', {
    hint: 'Nothing has to be done: a new template is made. When it happens each time, set the driver option template: off.',
  })
  qmp.onEvent(({ event, data }) => {
    if (event !== 'MIGRATION') return
    if (data['status'] === 'completed') resolve()
    if (data['status'] === 'failed') reject(notRestored)
  })
  await qmp.execute('migrate-set-capabilities', {
    capabilities: [{ capability: 'events', state: true }, ...(hasMemory ? [{ capability: IGNORE_SHARED, state: true }] : [])],
  })
  // When QEMU ends instead, the guard of the boot says so.
  promise.catch(() => {})
  await qmp.execute('migrate-incoming', { uri: `fd:${STATE_FD}` })
  await promise
}
