import { DriverError, type LeaseJournal, toolPath } from '@host-deployer/driver-api'
import {
  becomesTrue,
  clearReadOnly,
  createResourceStack,
  currentBootId,
  disconnectNbd,
  isNbdEmpty,
  type NbdDeviceDetails,
  nbdAttachedBy,
  type ResourceStack,
  removeMappings,
} from '@host-deployer/driver-kit'
import type { AttachedDevice } from './attach-fuse.ts'
import { attachTimeout, type DiskInput, type ExportedDisk } from './export-disk.ts'
import { giveUp, isDetached, readTable } from './kernel-device.ts'
import { startNbdClient } from './nbd-client.ts'

function attachFailed({ request }: DiskInput, device: string, reason: string): DriverError {
  return new DriverError('DRIVER_NBD_ATTACH_FAILED', `nbd-client could not attach ${device}: ${reason || 'it said nothing'}`, {
    hint: 'The reason is the one of nbd-client, the kernel may have said more (dmesg). The driver option attach: fuse does without.',
    context: { disk: request.id, device, reason },
  })
}

/**
 * nbd-client tells the kernel on netlink which socket the device is to use, and ends. Such a device outlives all of us, so its lease is written before: it has
 * the number by which the kernel will say who has attached it. `undefined`: somebody else was faster. `DRIVER_NBD_ATTACH_FAILED`, `DRIVER_NBD_TIMEOUT`,
 * `DRIVER_PROGRAM_FAILED`.
 */
export async function attachByNetlink(
  name: string,
  { socket, program: server }: ExportedDisk,
  input: DiskInput,
  leases: LeaseJournal,
  stack: ResourceStack,
): Promise<AttachedDevice | undefined> {
  const { place, opened, options, signal } = input
  const device = toolPath(`/dev/${name}`)
  const reached = place.fromOutside(socket)
  const own = createResourceStack()
  try {
    const client = await startNbdClient(reached, device)
    own.defer('nbd-client', client.end)
    const isOurs = async (): Promise<boolean> => (await nbdAttachedBy(name)) === client.pid
    const details: NbdDeviceDetails = { device, marker: reached, bootId: await currentBootId(), attachedBy: client.pid, through: 'netlink' }
    const held = await leases.record({ kind: 'nbd-device', details: { ...details } })
    own.defer(device, async () => {
      await client.end()
      if (await isOurs()) {
        await removeMappings(name)
        if (!opened.readOnly) await clearReadOnly(place.exec, device).catch(() => {})
        // Whether it has done, the device tells.
        await disconnectNbd(device).catch(() => {})
      }
      await giveUp(name, held, async () => !(await isOurs()), options.releaseTimeoutMs)
    })
    // What the session has asked of the device would wait for ever.
    void server.ended.then(async () => ((await isOurs()) ? disconnectNbd(device) : undefined)).catch(() => {})
    const outcome = await client.connect(options.attachTimeoutMs, signal)
    if (outcome === undefined) throw attachTimeout(input, device)
    if (outcome.exitCode !== 0) throw attachFailed(input, device, outcome.stderr)
    const attached = await becomesTrue(async () => (await isOurs()) && !(await isNbdEmpty(name)), options.attachTimeoutMs, signal)
    signal?.throwIfAborted()
    if (!attached) throw attachTimeout(input, device)
    if (!opened.readOnly) await clearReadOnly(place.exec, device)
    await readTable(device)
    stack.defer(device, () => own.release())
    return { device, programs: [server] }
  } catch (error) {
    const failure = await own.releaseAfter(error)
    const taken = DriverError.isInstance(error) && error.code === 'DRIVER_NBD_ATTACH_FAILED' && !(await isDetached(name))
    if (taken) return undefined
    throw failure
  }
}
