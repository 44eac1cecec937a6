import { DeployError, type Diagnostic, DriverError } from '@host-deployer/driver-api'
import { createResourceStack, type ResourceStack } from '@host-deployer/driver-kit'
import { kvmGroup, readVerdict, verdictPath, whyNoKvm, writeVerdict } from './accelerator-verdict.ts'
import { isKvmsFault, mayBeKvm, showsBrokenKvm } from './kvm-evidence.ts'
import { defaultCpu } from './qemu-command-line.ts'
import { type SessionVm, startSessionVm } from './start-session-vm.ts'
import { templatePlace } from './template-store.ts'
import { lastStart } from './template-times.ts'
import { startVm, type VmInput } from './virtual-machine.ts'

export type AcceleratedVmInput = Omit<VmInput, 'accelerator' | 'silenceMs'>

export interface AcceleratedVm extends SessionVm {
  readonly accelerator: 'kvm' | 'tcg'
}

/** `KVM_UNUSABLE`: we emulate, and why. */
function kvmUnusable(reason: string): Diagnostic {
  const detail = `${reason}. The VM runs in emulation, which is several times slower.`
  return { severity: 'warning', code: 'KVM_UNUSABLE', summary: 'KVM does not work here', detail }
}

function reasonOf(error: DeployError): string {
  if (error.code === 'DRIVER_VM_SILENT') return 'the kernel of the appliance hangs silently under KVM'
  return error.message
}

/** What is known about KVM for this input, without starting anything. */
export async function knownVerdict(
  input: AcceleratedVmInput,
): Promise<{ readonly path: string; readonly kvm: 'works' | 'broken' | 'unknown'; readonly reason?: string }> {
  const { appliance, programs, context, user } = input
  const path = await verdictPath(context.cacheDirectory, appliance, programs.qemu, context.options.cpu ?? defaultCpu.kvm)
  const obstacle = await whyNoKvm(await withKvmGroup(user))
  if (obstacle !== undefined) return { path, kvm: 'broken', reason: obstacle }
  return { path, ...((await readVerdict(path)) ?? { kvm: 'unknown' }) }
}

async function withKvmGroup(user: VmInput['user']): Promise<VmInput['user']> {
  return user === undefined ? undefined : { uid: user.uid, gid: (await kvmGroup()) ?? user.gid }
}

/** Boots with KVM and remembers when it went well, or what can be nothing but KVM. Rejects with what went wrong; nothing is kept of that, since emulation may follow. */
async function tryKvm(input: AcceleratedVmInput, path: string, isKnown: boolean, stack: ResourceStack): Promise<SessionVm> {
  const silence = isKnown ? {} : { silenceMs: input.context.options.kvmSilenceMs }
  const context = { ...input.context, keepOnFailure: input.context.keepOnFailure === true && input.context.options.accel === 'kvm' }
  try {
    const started = await startSessionVm({ ...input, context, user: await withKvmGroup(input.user), accelerator: 'kvm', ...silence }, stack)
    if (!isKnown) await writeVerdict(path, { kvm: 'works' })
    return started
  } catch (error) {
    if (mayBeKvm(error) && showsBrokenKvm(error)) await writeVerdict(path, { kvm: 'broken', reason: reasonOf(error) })
    throw error
  }
}

/** What a failure with KVM means once emulation has worked in its place. A wrong option, a deadline or a signal says nothing about KVM, and a verdict stays until the host reboots. */
async function learnFromEmulation(input: AcceleratedVmInput, path: string, error: DeployError, isKnownToWork: boolean): Promise<void> {
  const emulated = { ...input, accelerator: 'tcg' } as const
  const places = await Promise.all([templatePlace(emulated), templatePlace(emulated, true)])
  const boots = await Promise.all(places.map((place) => lastStart(place, 'boot')))
  const emulatedBootMs = Math.max(0, ...boots.map((boot) => boot?.durationMs ?? 0))
  const { bootTimeoutMs } = input.context.options
  if (isKvmsFault(error, { isKnownToWork, bootTimeoutMs, emulatedBootMs }))
    await writeVerdict(path, { kvm: 'broken', reason: reasonOf(error) })
}

/** Whether the same VM boots in emulation. */
async function bootsEmulated(input: AcceleratedVmInput): Promise<boolean> {
  const stack = createResourceStack()
  try {
    await startVm({ ...input, context: { ...input.context, keepOnFailure: false }, accelerator: 'tcg' }, stack)
    return true
  } catch {
    // Then it says nothing about KVM either.
    return false
  } finally {
    await stack.release()
  }
}

/** Finds out by booting the appliance without a disk whether KVM works; remembers it, where a boot in emulation shows that it is KVM that does not. */
export async function trialBoot(
  input: AcceleratedVmInput,
  path: string,
): Promise<{ readonly kvm: 'works' | 'broken'; readonly reason?: string }> {
  const trial = { ...input, disks: [] }
  const stack = createResourceStack()
  try {
    await tryKvm(trial, path, false, stack)
    return { kvm: 'works' }
  } catch (error) {
    if (!DeployError.isInstance(error)) return { kvm: 'broken', reason: String(error) }
    const isOpen = mayBeKvm(error) && !showsBrokenKvm(error) && input.context.options.accel === 'auto'
    if (isOpen && (await bootsEmulated(trial))) await learnFromEmulation(trial, path, error, false)
    return { kvm: 'broken', reason: reasonOf(error) }
  } finally {
    await stack.release()
  }
}

function kvmDemanded(reason: string, cause?: unknown): DriverError {
  const hint = 'Use the driver option accel: auto or tcg; `host-deployer doctor` says what KVM lacks.'
  return new DriverError('DRIVER_KVM_UNUSABLE', `KVM does not work here: ${reason}`, { hint, cause })
}

/** What the next session would be started with, found out by a boot where it is not known yet. `DRIVER_KVM_UNUSABLE` where KVM was demanded. */
export async function settleAccelerator(input: AcceleratedVmInput): Promise<Pick<VmInput, 'accelerator' | 'user'>> {
  const { accel } = input.context.options
  const emulated = { accelerator: 'tcg', user: input.user } as const
  if (accel === 'tcg') return emulated
  const known = await knownVerdict(input)
  const verdict = known.kvm === 'unknown' ? await trialBoot(input, known.path) : known
  if (verdict.kvm === 'works') return { accelerator: 'kvm', user: await withKvmGroup(input.user) }
  if (accel === 'kvm') throw kvmDemanded(verdict.reason ?? 'unknown reason')
  return emulated
}

/**
 * Starts the VM with the accelerator the options ask for. `auto` means KVM unless it is known not to work on this boot of the host, with this kernel and
 * QEMU; a failure falls back to emulation within the same call, and is remembered when that works and so shows that it was KVM. `DRIVER_KVM_UNUSABLE` where
 * KVM was demanded.
 */
export async function startAcceleratedVm(input: AcceleratedVmInput, stack: ResourceStack): Promise<AcceleratedVm> {
  const { accel } = input.context.options
  const emulate = async (noticed: readonly Diagnostic[]): Promise<AcceleratedVm> => {
    const started = await startSessionVm({ ...input, accelerator: 'tcg' }, stack)
    return { ...started, accelerator: 'tcg', diagnostics: [...noticed, ...started.diagnostics] }
  }
  if (accel === 'tcg') return emulate([])
  const verdict = await knownVerdict(input)
  if (verdict.kvm === 'broken') {
    if (accel === 'auto') return emulate([kvmUnusable(verdict.reason ?? 'unknown reason')])
    throw kvmDemanded(verdict.reason ?? 'unknown reason')
  }
  const isKnownToWork = verdict.kvm === 'works'
  try {
    return { ...(await tryKvm(input, verdict.path, isKnownToWork, stack)), accelerator: 'kvm' }
  } catch (error) {
    if (!mayBeKvm(error)) throw error
    if (accel !== 'auto') throw kvmDemanded(reasonOf(error), error)
    const emulated = await emulate([kvmUnusable(reasonOf(error))])
    if (!showsBrokenKvm(error)) await learnFromEmulation(input, verdict.path, error, isKnownToWork)
    return emulated
  }
}
