import { DeployError, type LeaseJournal, toolPath } from '@host-deployer/driver-api'
import {
  clearReadOnly,
  createResourceStack,
  currentBootId,
  type NbdDeviceDetails,
  type ResourceStack,
  removeMappings,
} from '@host-deployer/driver-kit'
import type { AttachedDevice } from './attach-fuse.ts'
import { becomesReady } from './becomes-ready.ts'
import { watchAttachment } from './device-attachment.ts'
import { attachTimeout, type DiskInput, descriptorsOf, explainExport, qemuNbdArgv, socketOf } from './export-disk.ts'
import { giveUp, readTable } from './kernel-device.ts'
import { type SessionProgram, startSessionProgram } from './session-program.ts'

/** What the kernel or qemu-nbd says when somebody else was faster. */
const TAKEN = /Device or resource busy|Failed to set NBD socket/

/**
 * qemu-nbd hands its socket to the kernel, and the device lives exactly as long as it does. Works in any process and network namespace. `undefined`: somebody
 * else was faster. Errors of an export.
 */
export async function attachByIoctl(
  name: string,
  input: DiskInput,
  leases: LeaseJournal,
  stack: ResourceStack,
): Promise<AttachedDevice | undefined> {
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
  own.defer(device, () => giveUp(name, held, attachment.isGone, options.releaseTimeoutMs))
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
    await readTable(device)
    stack.defer(device, () => own.release())
    return { device, programs: [program] }
  } catch (error) {
    const reason = DeployError.isInstance(error) && error.code === 'DRIVER_NBD_EXPORT_FAILED' ? String(error.context['reason']) : ''
    const failure = await own.releaseAfter(error)
    if (TAKEN.test(reason)) return undefined
    throw failure
  }
}
