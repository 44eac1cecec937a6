import { DeployError, type Diagnostic } from '@host-deployer/driver-api'
import { createResourceStack, type ResourceStack } from '@host-deployer/driver-kit'
import { findSessionDisks, type SessionDisks } from './find-session-disks.ts'
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
  /** Of a clone, which counts as one only with its disks. */
  readonly found?: SessionDisks
  /** To be called once the disks are found: those of a clone were not, so it was the template, and later sessions shall not meet it. Never rejects. */
  readonly blame?: () => Promise<void>
}

type Clone = Pick<SessionVm, 'vm' | 'found'>
type NoClone = Pick<SessionVm, 'blame'> & { readonly reason: string }

/** A clone that does not answer in this time is not worth waiting for. */
const CLONE_TIMEOUT_MS = 20_000

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** `TEMPLATE_UNUSABLE`: the session is a cold boot, and why. */
function templateUnusable(reason: string): Diagnostic {
  const detail = `${reason}. The VM was booted instead, which takes seconds longer; the driver option template: off does without.`
  return { severity: 'info', code: 'TEMPLATE_UNUSABLE', summary: 'No VM could be cloned', detail }
}

/** Errors of the request, the caller or the appliance, which a boot would meet just the same, or should not be tried with. */
function isOfRequest(error: unknown): boolean {
  if (!DeployError.isInstance(error)) return false
  return error.code.startsWith('IMAGE_') || ['ABORTED', 'DRIVER_QEMU_NOT_STARTED', 'APPLIANCE_DAMAGED'].includes(error.code)
}

/** Whether a clone of this very template has come to life before. */
async function isProven(place: TemplatePlace, { madeAtMs }: OpenTemplate): Promise<boolean> {
  const last = await lastStart(place, 'clone')
  return last !== undefined && last.atMs >= madeAtMs
}

/**
 * Whether no clone came for want of patience: one who waits for less than a clone gets anyway, for a template that is known to work, or for less than its boot
 * took. Where a boot had come to life in that time, it is the template's fault.
 */
async function isHasty(
  error: unknown,
  place: TemplatePlace,
  template: OpenTemplate,
  { bootTimeoutMs }: QemuInitramfsOptions,
): Promise<boolean> {
  if (!(DeployError.isInstance(error) && error.code === 'TIMEOUT_BOOT') || bootTimeoutMs > CLONE_TIMEOUT_MS) return false
  const boot = await lastStart(place, 'boot')
  return boot === undefined || bootTimeoutMs < boot.durationMs || (await isProven(place, template))
}

/** Takes the template out of the way of later sessions. Best effort: this one has something else to do. */
async function giveUp(place: TemplatePlace, template: OpenTemplate, reason: string): Promise<void> {
  await discardTemplate(place, template).catch(() => {})
  // One that has worked is made anew for the next session; where none ever does, building it again and again is no use.
  if (!(await isProven(place, template))) await rememberFailure(place, reason)
}

/**
 * A clone that has its disks, or why the template gives none. One that lets us in and has not got its disks may be the template's fault or that of the images:
 * a boot will tell.
 */
async function clone(input: VmInput, place: TemplatePlace, template: OpenTemplate, stack: ResourceStack): Promise<Clone | NoClone> {
  const { context, disks } = input
  const { signal, options } = context
  const [firstDisk, ...otherDisks] = disks
  const own = createResourceStack()
  const started = performance.now()
  let isIn = false
  let isSuspected = false
  try {
    const bootTimeoutMs = Math.min(options.bootTimeoutMs, CLONE_TIMEOUT_MS)
    const limited = { ...context, options: { ...options, bootTimeoutMs } }
    const vm = await startVm({ ...input, context: limited, origin: { kind: 'clone', template } }, own)
    const durationMs = performance.now() - started
    isIn = true
    const found = firstDisk && (await findSessionDisks(vm, [firstDisk, ...otherDisks], options.memoryMb))
    await Promise.all([rememberStart(place, 'clone', durationMs), markUsed(place)])
    stack.defer('clone', () => own.release())
    return { vm, ...(found && { found }) }
  } catch (failure) {
    const error = await own.releaseAfter(failure)
    const isOthers = isOfRequest(error) || signal?.aborted === true
    if (isOthers || (await isHasty(error, place, template, options))) throw error
    const reason = messageOf(error)
    if (!isIn) {
      await giveUp(place, template, reason)
      return { reason }
    }
    isSuspected = true
    stack.defer('template', () => closeTemplate(template))
    const blame = async (): Promise<void> => {
      await giveUp(place, template, reason)
      await closeTemplate(template)
    }
    return { reason, blame }
  } finally {
    if (!isSuspected) await closeTemplate(template)
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

/** Where there is no template: why; what keeps a boot from working as well is thrown. */
function whyNone(error: unknown, { signal, options: { bootTimeoutMs } }: VmInput['context']): string {
  const wasTooSlow = DeployError.isInstance(error) && error.code === 'TIMEOUT_BOOT' && bootTimeoutMs <= CLONE_TIMEOUT_MS
  if (wasTooSlow || isOfRequest(error) || signal?.aborted === true) throw error
  return messageOf(error)
}

/** A clone, or why there is none. */
async function tryToClone(input: VmInput, place: TemplatePlace, stack: ResourceStack): Promise<Clone | NoClone> {
  const { context } = input
  const look = async () => {
    const heldPlace = await templatePlace(input, true)
    const template = whyNoTemplate(input) === undefined ? await findHeld(heldPlace, place, context) : undefined
    if (template !== undefined) return { place: heldPlace, template }
    const found = await findTemplate(input, place, { again: false, patienceMs: context.options.bootTimeoutMs })
    return found.outcome === 'none' ? found.reason : { place, template: found.template }
  }
  const found = await look().catch((error: unknown) => whyNone(error, context))
  if (typeof found === 'string') return { reason: found }
  const outcome = await clone(input, found.place, found.template, stack)
  // What sessions have when nobody holds that one any more is not to be swept as the one nobody uses.
  if ('vm' in outcome && found.place.isHeld) await markUsed(place)
  return outcome
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
  const outcome = await tryToClone(input, place, stack)
  if ('vm' in outcome) return { ...outcome, diagnostics: [] }
  const { reason, blame } = outcome
  return { ...(await boot([templateUnusable(reason)])), ...(blame && { blame }) }
}
