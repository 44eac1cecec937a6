import { DriverError, type LeaseJournal } from '@host-deployer/driver-api'
import { findNbdNetlink, type ResourceStack } from '@host-deployer/driver-kit'
import { attachByIoctl } from './attach-by-ioctl.ts'
import { attachByNetlink } from './attach-by-netlink.ts'
import type { AttachedDevice } from './attach-fuse.ts'
import { type DiskInput, exportDisk } from './export-disk.ts'
import { freeDevices } from './kernel-device.ts'

type Attempt = (name: string) => Promise<AttachedDevice | undefined>

async function attemptsOf(input: DiskInput, leases: LeaseJournal, stack: ResourceStack): Promise<Attempt> {
  if (!(await findNbdNetlink()).usable) return (name) => attachByIoctl(name, input, leases, stack)
  const exported = await exportDisk(input, stack)
  return (name) => attachByNetlink(name, exported, input, leases, stack)
}

/**
 * Through netlink where that is within reach, otherwise by qemu-nbd's ioctl. A free device is looked for in sysfs; who is faster has it, we try the next.
 * Errors of an export and of either way; `DRIVER_NBD_NO_FREE_DEVICE`.
 */
export async function attachKernel(input: DiskInput, leases: LeaseJournal, stack: ResourceStack): Promise<AttachedDevice> {
  const attempt = await attemptsOf(input, leases, stack)
  for (const name of await freeDevices()) {
    const attached = await attempt(name)
    if (attached !== undefined) return attached
  }
  throw new DriverError('DRIVER_NBD_NO_FREE_DEVICE', 'Every nbd device of this machine is in use', {
    hint: 'Run `host-deployer reclaim`, load the module with a larger nbds_max, or take the driver option attach: fuse.',
    retry: 'may-help',
    context: { disk: input.request.id },
  })
}
