import type { DriverContext, DriverSession, OpenRequest } from '@host-deployer/driver-api'
import { aborted, checkOpenRequest, createResourceStack } from '@host-deployer/driver-kit'
import { startAcceleratedVm } from './choose-accelerator.ts'
import { createSessionDirectory, findAppliance, findPrograms } from './environment.ts'
import { findSessionDisks } from './find-session-disks.ts'
import type { QemuInitramfsOptions } from './options.ts'
import { createSession } from './session.ts'
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
    const { disks, durationMs } = started.found ?? (await findSessionDisks(vm, request.disks, options.memoryMb))
    await started.blame?.()
    throwIfAborted(context.signal)
    const timings = { ...vm.timings, disks: durationMs }
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
