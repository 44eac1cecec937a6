import { DeployError, type Diagnostic } from '@host-deployer/driver-api'
import type { ResourceStack } from '@host-deployer/driver-kit'
import { buildTemplate } from './build-template.ts'
import { lockTemplate } from './template-lock.ts'
import {
  discardTemplate,
  type OpenTemplate,
  openTemplate,
  prepareTemplates,
  recentFailure,
  rememberFailure,
  type TemplatePlace,
  templatePlace,
} from './template-store.ts'
import { type RunningVm, startVm, type VmInput } from './virtual-machine.ts'

/** A VM for one session, and what was noticed on the way. */
export interface SessionVm {
  readonly vm: RunningVm
  readonly diagnostics: readonly Diagnostic[]
}

/** A clone that does not answer in this time is not worth waiting for. */
const CLONE_TIMEOUT_MS = 20_000

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** `TEMPLATE_UNUSABLE`: the session is a cold boot, and why. */
function templateUnusable(reason: string): Diagnostic {
  const detail = `${reason}. The VM was booted instead, which takes seconds longer; the driver option template: off does without.`
  return { severity: 'info', code: 'TEMPLATE_UNUSABLE', summary: 'No VM could be cloned', detail }
}

/** Errors of the request or of the caller, which a cold boot would meet just the same. */
function isNotTheTemplates(error: unknown): boolean {
  if (!DeployError.isInstance(error)) return false
  return error.code.startsWith('IMAGE_') || error.code === 'ABORTED' || error.code === 'DRIVER_QEMU_NOT_STARTED'
}

/** What keeps this appliance from being cloned; `undefined` when nothing is known. */
export function whyNoTemplate({ appliance, context }: VmInput): string | undefined {
  if (context.options.stock !== undefined)
    return 'a stock appliance cannot be told to take new randomness, so two clones would draw the same'
  const canReseed = appliance.manifest.features?.includes('reseed') === true
  return canReseed ? undefined : 'the appliance cannot reseed a clone; build or install it again'
}

/** The template, built if need be; one process builds, others wait for it. */
async function findOrBuild(input: VmInput, place: TemplatePlace): Promise<OpenTemplate | string> {
  const { signal } = input.context
  const found = await openTemplate(place)
  if (found !== undefined) return found
  const failure = await recentFailure(place)
  if (failure !== undefined) return failure
  await prepareTemplates(place)
  const unlock = await lockTemplate(`${place.directory}.lock`, signal)
  try {
    // Somebody may have built it, or failed to, since we looked.
    const meanwhile = (await openTemplate(place)) ?? (await recentFailure(place))
    if (meanwhile !== undefined) return meanwhile
    await buildTemplate(input, place)
    return (await openTemplate(place)) ?? 'the template was changed as soon as it was built'
  } catch (error) {
    if (signal?.aborted !== true) await rememberFailure(place, messageOf(error))
    throw error
  } finally {
    await unlock()
  }
}

async function clone(input: VmInput, place: TemplatePlace, template: OpenTemplate, stack: ResourceStack): Promise<RunningVm> {
  const { context } = input
  const bootTimeoutMs = Math.min(context.options.bootTimeoutMs, CLONE_TIMEOUT_MS)
  try {
    const own = { ...context, options: { ...context.options, bootTimeoutMs } }
    return await startVm({ ...input, context: own, origin: { kind: 'clone', template } }, stack)
  } catch (error) {
    if (!isNotTheTemplates(error)) {
      await discardTemplate(place)
      await rememberFailure(place, messageOf(error))
    }
    throw error
  } finally {
    await template.state.close()
  }
}

async function tryToClone(input: VmInput, stack: ResourceStack): Promise<RunningVm | string> {
  const place = await templatePlace(input)
  const template = await findOrBuild(input, place)
  return typeof template === 'string' ? template : clone(input, place, template, stack)
}

/**
 * Starts the VM of a session: a clone of the template, which is built first where there is none, or a cold boot where that does not work or is not
 * wanted. Errors are those of {@link startVm}; that of a template is never one, but the diagnostic `TEMPLATE_UNUSABLE`.
 */
export async function startSessionVm(input: VmInput, stack: ResourceStack): Promise<SessionVm> {
  const boot = async (diagnostics: readonly Diagnostic[]): Promise<SessionVm> => ({ vm: await startVm(input, stack), diagnostics })
  // While it is open whether KVM works, the boot itself is the test.
  if (input.context.options.template === 'off' || input.silenceMs !== undefined) return boot([])
  const obstacle = whyNoTemplate(input)
  if (obstacle !== undefined) return boot([templateUnusable(obstacle)])
  const cloned = await tryToClone(input, stack).catch((error: unknown) => {
    if (isNotTheTemplates(error) || input.context.signal?.aborted === true) throw error
    return messageOf(error)
  })
  return typeof cloned === 'string' ? boot([templateUnusable(cloned)]) : { vm: cloned, diagnostics: [] }
}
