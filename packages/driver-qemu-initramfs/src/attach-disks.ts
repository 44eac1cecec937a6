import { DeployError, DiskError, type DiskRequest } from '@host-deployer/driver-api'
import { blockNode, type OpenedDisk } from '@host-deployer/driver-kit'
import { fdSetOf } from './qemu-command-line.ts'
import type { QmpClient } from './qmp-client.ts'

/** The appliance scans sixteen targets, see docs/appliance.md; further disks are further units of them. */
const TARGETS = 16

/** QEMU gives every refusal the same class, so the text decides (block/file-posix.c, block.c). */
const LOCKED = /Failed to get (shared )?"[\w ]+" lock|Is another process using the image|Conflicts with use by/

function refusal(error: unknown, disk: DiskRequest): unknown {
  if (!DeployError.isInstance(error) || error.code !== 'DRIVER_QMP_REFUSED') return error
  const [{ path }] = disk.chain
  const context = { path, disk: disk.id, reason: error.context['desc'] }
  if (LOCKED.test(String(error.context['desc']))) {
    return new DiskError('IMAGE_LOCKED', `${path} is in use by another process`, {
      hint: 'Shut down the virtual machine or stop the other program that has it open.',
      retry: 'may-help',
      context,
      cause: error,
    })
  }
  return new DiskError('IMAGE_DAMAGED', `${path} cannot be opened as ${disk.chain[0].format}: ${error.context['desc']}`, {
    hint: 'Check it with qemu-img check, or state the right format.',
    context,
    cause: error,
  })
}

/** Plugs every disk into the VM by QMP, one after the other. `IMAGE_LOCKED`, `IMAGE_DAMAGED`. */
export async function attachDisks(qmp: QmpClient, requests: readonly DiskRequest[], disks: readonly OpenedDisk[]): Promise<void> {
  let nextImage = 0
  for (const [index, disk] of disks.entries()) {
    const filenames = disk.images.map(() => `/dev/fdset/${fdSetOf(nextImage++)}`)
    const request = requests[index]
    if (request === undefined) continue
    const nodeName = `disk${index}`
    try {
      await qmp.execute('blockdev-add', blockNode(disk, { nodeName, filenames }))
      await qmp.execute('device_add', {
        driver: 'scsi-hd',
        id: `scsi-${nodeName}`,
        bus: 'scsi.0',
        'scsi-id': index % TARGETS,
        lun: Math.floor(index / TARGETS),
        drive: nodeName,
        serial: disk.id,
        device_id: disk.id,
        // The default stops the VM when the host's file system is full; the guest shall see the error.
        werror: 'report',
        rerror: 'report',
      })
    } catch (error) {
      throw refusal(error, request)
    }
  }
}
