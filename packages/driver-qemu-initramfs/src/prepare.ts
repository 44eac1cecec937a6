import { DeployError, type DriverContext, DriverError, hostPath, type Preparation, type PrepareOptions } from '@host-deployer/driver-api'
import { aborted, createResourceStack, type ResourceStack } from '@host-deployer/driver-kit'
import { settleAccelerator } from './choose-accelerator.ts'
import { createSessionDirectory, findAppliance, findPrograms } from './environment.ts'
import { findTemplate, type MadeTemplate, whyNoTemplate } from './find-template.ts'
import { holdTemplate } from './hold-template.ts'
import type { QemuInitramfsOptions } from './options.ts'
import { closeTemplate, type TemplatePlace, templatePlace } from './template-store.ts'
import { chooseVmUser } from './vm-user.ts'

type Context = DriverContext<QemuInitramfsOptions>

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

function noTemplate(error: unknown): DeployError {
  if (DeployError.isInstance(error)) return error
  return new DriverError('DRIVER_TEMPLATE_FAILED', `There can be no template: ${messageOf(error)}`, {
    hint: 'Sessions work without, a few seconds slower each. `host-deployer doctor` says which way they start.',
    cause: error,
  })
}

async function warmTemplate(context: Context, keepFor: number | undefined, stack: ResourceStack): Promise<Preparation> {
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
  const vm = `a VM of ${options.memoryMb} MB`
  const how = `(${settled.accelerator}, kernel ${appliance.manifest.kernelVersion})`
  const finished = async (found: MadeTemplate, place: TemplatePlace, detail: string): Promise<Preparation> => {
    const { sizeBytes, keepers, notWarm } = found.template
    await closeTemplate(found.template)
    const cold = notWarm === undefined ? '' : `; the appliance could not be warmed up: ${notWarm.join(', ')}`
    return {
      outcome: found.outcome,
      detail: `${detail}${cold}`,
      artefact: { path: hostPath(place.directory), sizeBytes },
      ...(keepFor !== undefined && keepers && { keptFor: keepFor }),
    }
  }
  let notHeld = ''
  if (keepFor !== undefined && whyNoTemplate(input) === undefined) {
    const place = await templatePlace(input, true)
    try {
      return await finished(await holdTemplate(input, place, keepFor), place, `${vm}, saved, its memory held for clones to share ${how}`)
    } catch (error) {
      throwIfAborted()
      notHeld = `; its memory could not be held: ${messageOf(error)}`
    }
  }
  const place = await templatePlace(input)
  const found = await findTemplate(input, place, { again: true })
  if (found.outcome === 'none') throw noTemplate(found.reason)
  return await finished(found, place, `${vm}, saved ${how}${notHeld}`)
}

/**
 * {@link import('@host-deployer/driver-api').Driver.prepare} of this driver: the template that sessions with these options are cloned from. Tries again
 * what has failed a short while ago. `DRIVER_TEMPLATE_FAILED`, `DRIVER_KVM_UNUSABLE`, the codes of a boot.
 */
export async function prepareDriver(context: Context, { keepFor }: PrepareOptions = {}): Promise<Preparation> {
  const stack = createResourceStack()
  let preparation: Preparation
  try {
    preparation = await warmTemplate(context, keepFor, stack)
  } catch (error) {
    throw await stack.releaseAfter(noTemplate(error))
  }
  await stack.release()
  return preparation
}
