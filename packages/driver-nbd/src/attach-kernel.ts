import { randomInt } from 'node:crypto'
import { open, readdir } from 'node:fs/promises'
import { CleanupError, DeployError, DriverError, type LeaseJournal, toolPath } from '@host-deployer/driver-api'
import {
  becomesTrue,
  clearReadOnly,
  createResourceStack,
  currentBootId,
  describeUse,
  type NbdDeviceDetails,
  type ResourceStack,
  removeMappings,
} from '@host-deployer/driver-kit'
import type { AttachedDevice } from './attach-fuse.ts'
import { becomesReady } from './becomes-ready.ts'
import { isDetached, watchAttachment } from './device-attachment.ts'
import { attachTimeout, type DiskInput, descriptorsOf, explainExport, qemuNbdArgv, socketOf } from './export-disk.ts'
import { type SessionProgram, startSessionProgram } from './session-program.ts'

async function freeDevices(): Promise<string[]> {
  const names = (await readdir('/sys/block')).filter((name) => /^nbd\d+$/.test(name))
  const free = await Promise.all(names.map(isDetached))
  const found = names.filter((_, index) => free[index])
  // Sessions that start together shall not all try the same one first.
  const at = found.length === 0 ? 0 : randomInt(found.length)
  return [...found.slice(at), ...found.slice(0, at)]
}

async function insistOn(name: string, isGone: () => Promise<boolean>, timeoutMs: number): Promise<void> {
  if (await becomesTrue(isGone, timeoutMs)) return
  const reasons = await describeUse(name)
  throw new CleanupError('CLEANUP_RESIDUE', `/dev/${name} cannot be detached: ${reasons.join('; ') || 'it stays attached'}`, {
    hint: 'End what uses it, then run `host-deployer reclaim`.',
    retry: 'may-help',
    context: { device: `/dev/${name}`, reasons },
  })
}

/** What the kernel or qemu-nbd says when somebody else was faster. */
const TAKEN = /Device or resource busy|Failed to set NBD socket/

async function attachTo(name: string, input: DiskInput, leases: LeaseJournal, stack: ResourceStack): Promise<AttachedDevice | undefined> {
  const { place, opened, options, signal } = input
  const socket = socketOf(input)
  const details = {
    device: toolPath(`/dev/${name}`),
    marker: `--socket=${socket}`,
    bootId: await currentBootId(),
  } satisfies NbdDeviceDetails
  const { device } = details
  let program: SessionProgram | undefined
  const attachment = watchAttachment(name, details.marker, () => program?.stderr() ?? '')

  const own = createResourceStack()
  let held = await leases.record({ kind: 'nbd-device', details })
  own.defer(device, async () => {
    try {
      await insistOn(name, attachment.isGone, options.releaseTimeoutMs)
    } catch (error) {
      await held.quarantine?.(error instanceof Error ? error.message : String(error)).catch(() => {})
      throw error
    }
    await held()
  })
  try {
    program = await startSessionProgram(
      {
        namespace: place.namespace,
        // Verbose, or it would go into the background.
        argv: qemuNbdArgv(input, socket, ['--verbose', `--connect=${device}`]),
        descriptors: descriptorsOf(opened),
        stop: async () => {
          if (!(await attachment.isOurs())) return false
          await removeMappings(name)
          if (!opened.readOnly) await clearReadOnly(place.exec, device).catch(() => {})
          const { exitCode } = await place.exec([input.qemuNbd, '--disconnect', device], { timeoutMs: options.releaseTimeoutMs })
          return exitCode === 0
        },
        stopTimeoutMs: options.releaseTimeoutMs,
      },
      own,
    )
    const outcome = await becomesReady(program, attachment.hasBecomeOurs, options.attachTimeoutMs, signal)
    if (outcome === 'ended') throw explainExport(input, program.stderr())
    const attachedBy = attachment.attachedBy()
    if (outcome === 'timeout' || attachedBy === undefined) throw attachTimeout(input, device)
    // From now on a reclaim knows the device for ours even when nothing of the session runs any more.
    const intended = held
    held = await leases.record({ kind: 'nbd-device', details: { ...details, attachedBy } })
    await intended()
    if (!opened.readOnly) await clearReadOnly(place.exec, device)
    // The kernel reads the partition table when the device is opened for the first time.
    await (await open(device, 'r')).close()
    stack.defer(device, () => own.release())
    return { device, programs: [program] }
  } catch (error) {
    const reason = DeployError.isInstance(error) && error.code === 'DRIVER_NBD_EXPORT_FAILED' ? String(error.context['reason']) : ''
    const failure = await own.releaseAfter(error)
    if (TAKEN.test(reason)) return undefined
    throw failure
  }
}

/**
 * qemu-nbd hands its socket to the kernel, and the device lives exactly as long as it does: nothing is left when it is killed, which netlink would leave.
 * A free device is looked for in sysfs; who is faster has it, we try the next. Errors of an export; `DRIVER_NBD_NO_FREE_DEVICE`.
 */
export async function attachKernel(input: DiskInput, leases: LeaseJournal, stack: ResourceStack): Promise<AttachedDevice> {
  for (const name of await freeDevices()) {
    const attached = await attachTo(name, input, leases, stack)
    if (attached !== undefined) return attached
  }
  throw new DriverError('DRIVER_NBD_NO_FREE_DEVICE', 'Every nbd device of this machine is in use', {
    hint: 'Run `host-deployer reclaim`, load the module with a larger nbds_max, or take the driver option attach: fuse.',
    retry: 'may-help',
    context: { disk: input.request.id },
  })
}
