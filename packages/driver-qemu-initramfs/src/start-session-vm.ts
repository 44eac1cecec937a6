import { DeployError, type Diagnostic } from '@host-deployer/driver-api'
import type { ResourceStack } from '@host-deployer/driver-kit'
import { findTemplate, whyNoTemplate } from './find-template.ts'
import type { QemuInitramfsOptions } from './options.ts'
import { isLocked, lockPathOf, unlocked } from './template-lock.ts'
import {
  closeTemplate,
  discardTemplate,
  markUsed,
  type OpenTemplate,
  openTemplate,
  rememberFailure,
  type TemplatePlace,
  templatePlace,
} from './template-store.ts'
import { lastStart, rememberStart } from './template-times.ts'
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

/** Errors of the request or of the caller, which a boot would meet just the same. */
function isNotTheTemplates(error: unknown, { bootTimeoutMs }: QemuInitramfsOptions): boolean {
  if (!DeployError.isInstance(error)) return false
  if (error.code === 'TIMEOUT_BOOT') return bootTimeoutMs <= CLONE_TIMEOUT_MS
  const { code } = error
  return code.startsWith('IMAGE_') || code === 'ABORTED' || code === 'DRIVER_QEMU_NOT_STARTED' || code === 'APPLIANCE_DAMAGED'
}

/** Whether a clone of this very template has come to life before. */
async function isProven(place: TemplatePlace, { madeAtMs }: OpenTemplate): Promise<boolean> {
  const last = await lastStart(place, 'clone')
  return last !== undefined && last.atMs >= madeAtMs
}

async function clone(input: VmInput, place: TemplatePlace, template: OpenTemplate, stack: ResourceStack): Promise<RunningVm> {
  const { context } = input
  const bootTimeoutMs = Math.min(context.options.bootTimeoutMs, CLONE_TIMEOUT_MS)
  const started = performance.now()
  try {
    const own = { ...context, options: { ...context.options, bootTimeoutMs } }
    const vm = await startVm({ ...input, context: own, origin: { kind: 'clone', template } }, stack)
    await Promise.all([rememberStart(place, 'clone', performance.now() - started), markUsed(place)])
    return vm
  } catch (error) {
    if (!isNotTheTemplates(error, context.options)) {
      await discardTemplate(place, template)
      // One that has worked is made anew for the next session; where none ever does, building it again and again is no use.
      if (!(await isProven(place, template))) await rememberFailure(place, messageOf(error))
    }
    throw error
  } finally {
    await closeTemplate(template)
  }
}

/**
 * The template that somebody holds in memory, which is the quickest; only who holds it makes it. While that is happening it is waited for, unless there is
 * an ordinary one: two need not be built at once, as long as that one gets on.
 */
async function findHeld(
  heldPlace: TemplatePlace,
  place: TemplatePlace,
  { signal, options }: VmInput['context'],
): Promise<OpenTemplate | undefined> {
  const held = await openTemplate(heldPlace)
  if (held !== undefined || !(await isLocked(lockPathOf(heldPlace)))) return held
  const ordinary = await openTemplate(place)
  if (ordinary !== undefined) {
    await closeTemplate(ordinary)
    return undefined
  }
  await unlocked(lockPathOf(heldPlace), signal, options.bootTimeoutMs)
  return openTemplate(heldPlace)
}

/** A clone, or why there is none. */
async function tryToClone(input: VmInput, place: TemplatePlace, stack: ResourceStack): Promise<RunningVm | string> {
  const { signal, options } = input.context
  try {
    const heldPlace = await templatePlace(input, true)
    const held = whyNoTemplate(input) === undefined ? await findHeld(heldPlace, place, input.context) : undefined
    if (held !== undefined) {
      const vm = await clone(input, heldPlace, held, stack)
      // What sessions have when nobody holds that one any more is not to be swept as the one nobody uses.
      await markUsed(place)
      return vm
    }
    const found = await findTemplate(input, place, { again: false, patienceMs: options.bootTimeoutMs })
    return found.outcome === 'none' ? found.reason : await clone(input, place, found.template, stack)
  } catch (error) {
    if (isNotTheTemplates(error, options) || signal?.aborted === true) throw error
    return messageOf(error)
  }
}

/**
 * Starts the VM of a session: a clone of the template, which is built first where there is none, or a cold boot where that does not work or is not
 * wanted. Errors are those of {@link startVm}; that of a template is never one, but the diagnostic `TEMPLATE_UNUSABLE`. Remembers how long it took.
 */
export async function startSessionVm(input: VmInput, stack: ResourceStack): Promise<SessionVm> {
  const place = await templatePlace(input)
  const boot = async (diagnostics: readonly Diagnostic[]): Promise<SessionVm> => {
    const started = performance.now()
    const vm = await startVm(input, stack)
    await rememberStart(place, 'boot', performance.now() - started)
    return { vm, diagnostics }
  }
  // While it is open whether KVM works, the boot itself is the test.
  if (input.context.options.template === 'off' || input.silenceMs !== undefined) return boot([])
  const vm = await tryToClone(input, place, stack)
  return typeof vm === 'string' ? boot([templateUnusable(vm)]) : { vm, diagnostics: [] }
}
