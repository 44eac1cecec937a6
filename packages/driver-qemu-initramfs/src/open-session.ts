import type { DriverContext, DriverSession, OpenRequest } from '@host-deployer/driver-api'
import { aborted, checkOpenRequest, createResourceStack } from '@host-deployer/driver-kit'
import { startAcceleratedVm } from './choose-accelerator.ts'
import { createSessionDirectory, findAppliance, findPrograms } from './environment.ts'
import { findDisks } from './find-disks.ts'
import type { QemuInitramfsOptions } from './options.ts'
import { createSession } from './session.ts'
import { findStockDisks } from './stock-disks.ts'
import { explainVmError } from './virtual-machine.ts'
import { chooseVmUser } from './vm-user.ts'

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw aborted(signal, 'opening the disks')
}

/** {@link import('@host-deployer/driver-api').Driver.open} of this driver. */
export async function openSession(request: OpenRequest, context: DriverContext<QemuInitramfsOptions>): Promise<DriverSession> {
  checkOpenRequest(request)
  throwIfAborted(context.signal)
  const { options } = context
  const programs = await findPrograms(options)
  const appliance = await findAppliance(context)
  const stack = createResourceStack()
  try {
    const directory = await createSessionDirectory(context, stack)
    const user = await chooseVmUser(options.user)
    const started = await startAcceleratedVm({ disks: request.disks, context, appliance, programs, user, directory }, stack)
    const { vm, accelerator, diagnostics } = started
    const before = performance.now()
    const [firstDisk, ...otherDisks] = request.disks
    const ids = [firstDisk.id, ...otherDisks.map(({ id }) => id)] as const
    const find = () => (vm.stockTools === undefined ? findDisks(vm.toolHost, ids, vm) : findStockDisks(vm.toolHost, ids))
    const disks = await find().catch(async (error: unknown) => {
      throw await explainVmError(error, vm.process, options.memoryMb)
    })
    throwIfAborted(context.signal)
    const timings = { ...vm.timings, disks: Math.round(performance.now() - before) }
    const written = disks.filter((_, index) => request.disks[index]?.access === 'read-write')
    return createSession({
      vm,
      disks,
      written,
      info: { accelerator, timings },
      diagnostics: [...diagnostics, ...(vm.stockTools?.diagnostics ?? [])],
      memoryMb: options.memoryMb,
      stack,
    })
  } catch (error) {
    throw await stack.releaseAfter(error)
  }
}
