import type { AttachedDisk, DiskRequest } from '@host-deployer/driver-api'
import { findDisks } from './find-disks.ts'
import { findStockDisks } from './stock-disks.ts'
import { explainVmError, type RunningVm } from './virtual-machine.ts'

/** The disks of a session, and how long it took to find them. */
export interface SessionDisks {
  readonly disks: readonly [AttachedDisk, ...AttachedDisk[]]
  readonly durationMs: number
}

/** Where the disks of a request are in its VM. `DRIVER_DISK_NOT_FOUND`; what has become of the VM where it is gone. */
export async function findSessionDisks(
  vm: RunningVm,
  [first, ...others]: readonly [DiskRequest, ...DiskRequest[]],
  memoryMb: number,
): Promise<SessionDisks> {
  const started = performance.now()
  const ids = [first.id, ...others.map(({ id }) => id)] as const
  const find = () => (vm.stockTools === undefined ? findDisks(vm.toolHost, ids, vm) : findStockDisks(vm.toolHost, ids))
  const disks = await find().catch(async (error: unknown) => {
    throw await explainVmError(error, vm.process, memoryMb)
  })
  return { disks, durationMs: Math.round(performance.now() - started) }
}
