import { DeployError, type DriverContext, DriverError, hostPath, type Preparation } from '@host-deployer/driver-api'
import { aborted, createResourceStack, type ResourceStack } from '@host-deployer/driver-kit'
import { settleAccelerator } from './choose-accelerator.ts'
import { createSessionDirectory, findAppliance, findPrograms } from './environment.ts'
import { findTemplate } from './find-template.ts'
import type { QemuInitramfsOptions } from './options.ts'
import { templatePlace } from './template-store.ts'
import { chooseVmUser } from './vm-user.ts'

type Context = DriverContext<QemuInitramfsOptions>

function noTemplate(error: unknown): DeployError {
  if (DeployError.isInstance(error)) return error
  const reason = error instanceof Error ? error.message : String(error)
  return new DriverError('DRIVER_TEMPLATE_FAILED', `There can be no template: ${reason}`, {
    hint: 'Sessions work without, a few seconds slower each. `host-deployer doctor` says which way they start.',
    cause: error,
  })
}

async function warmTemplate(context: Context, stack: ResourceStack): Promise<Preparation> {
  const { signal, options } = context
  const throwIfAborted = (): void => {
    if (signal?.aborted === true) throw aborted(signal, 'building the template')
  }
  throwIfAborted()
  if (options.template === 'off') return { outcome: 'nothing', detail: 'every session boots: the driver option template is off' }
  const [programs, appliance] = await Promise.all([findPrograms(options), findAppliance(context)])
  const directory = await createSessionDirectory(context, stack)
  const user = await chooseVmUser(options.user)
  const settled = await settleAccelerator({ disks: [], context, appliance, programs, user, directory })
  throwIfAborted()
  const input = { context, appliance, programs, ...settled }
  const place = await templatePlace(input)
  const found = await findTemplate(input, place, { again: true })
  if (found.outcome === 'none') throw noTemplate(found.reason)
  const { state, sizeBytes } = found.template
  await state.close()
  const detail = `a VM of ${options.memoryMb} MB, saved (${settled.accelerator}, kernel ${appliance.manifest.kernelVersion})`
  return { outcome: found.outcome, detail, artefact: { path: hostPath(place.directory), sizeBytes } }
}

/**
 * {@link import('@host-deployer/driver-api').Driver.prepare} of this driver: the template that sessions with these options are cloned from. Tries again
 * what has failed a short while ago. `DRIVER_TEMPLATE_FAILED`, `DRIVER_KVM_UNUSABLE`, the codes of a boot.
 */
export async function prepareDriver(context: Context): Promise<Preparation> {
  const stack = createResourceStack()
  let preparation: Preparation
  try {
    preparation = await warmTemplate(context, stack)
  } catch (error) {
    throw await stack.releaseAfter(noTemplate(error))
  }
  await stack.release()
  return preparation
}
