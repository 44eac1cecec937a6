import { randomInt } from 'node:crypto'
import { open, readdir, readFile } from 'node:fs/promises'
import { CleanupError, DeployError, DriverError, type LeaseJournal, toolPath } from '@host-deployer/driver-api'
import {
  acquireLeased,
  argumentsOf,
  becomesTrue,
  createResourceStack,
  describeUse,
  type ResourceStack,
  removeMappings,
} from '@host-deployer/driver-kit'
import type { AttachedDevice } from './attach-fuse.ts'
import { becomesReady } from './becomes-ready.ts'
import { attachTimeout, type DiskInput, descriptorsOf, explainExport, qemuNbdArgv, socketOf } from './export-disk.ts'
import { startSessionProgram } from './session-program.ts'

const read = (path: string): Promise<string> =>
  readFile(path, 'utf8').then(
    (text) => text.trim(),
    () => '',
  )

/** sysfs shows the thread that waits in NBD_DO_IT as `pid` while a device is attached, and a size of zero when it is not (drivers/block/nbd.c). */
async function isDetached(name: string): Promise<boolean> {
  const [pid, size] = await Promise.all([read(`/sys/block/${name}/pid`), read(`/sys/block/${name}/size`)])
  return pid === '' && size === '0'
}

async function freeDevices(): Promise<string[]> {
  const names = (await readdir('/sys/block')).filter((name) => /^nbd\d+$/.test(name))
  const free = await Promise.all(names.map(isDetached))
  const found = names.filter((_, index) => free[index])
  // Sessions that start together shall not all try the same one first.
  const at = found.length === 0 ? 0 : randomInt(found.length)
  return [...found.slice(at), ...found.slice(0, at)]
}

/** Attached, and by nobody but our own qemu-nbd. */
async function isAttachedBy(name: string, socketArgument: string): Promise<boolean> {
  const [pid, size] = await Promise.all([read(`/sys/block/${name}/pid`), read(`/sys/block/${name}/size`)])
  return pid !== '' && size !== '0' && (await argumentsOf(Number(pid))).includes(socketArgument)
}

/** Attached by a program that runs and is not ours. Of one that has ended nothing is left but a device that somebody keeps open. */
async function isSomebodyElses(name: string, socketArgument: string): Promise<boolean> {
  const pid = await read(`/sys/block/${name}/pid`)
  const words = pid === '' ? [] : await argumentsOf(Number(pid))
  return words.length > 0 && !words.includes(socketArgument)
}

async function detach(name: string, socketArgument: string, input: DiskInput): Promise<void> {
  const isGone = async (): Promise<boolean> => (await isDetached(name)) || (await isSomebodyElses(name, socketArgument))
  const gone = await becomesTrue(isGone, input.options.releaseTimeoutMs)
  if (gone) return
  const reasons = await describeUse(name)
  throw new CleanupError('CLEANUP_RESIDUE', `/dev/${name} cannot be detached: ${reasons.join('; ') || 'its size does not become zero'}`, {
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
  const marker = `--socket=${socket}`
  const device = toolPath(`/dev/${name}`)
  const own = createResourceStack()
  try {
    const program = await acquireLeased(leases, own, {
      what: device,
      lease: { kind: 'nbd-device', details: { device, marker } },
      acquire: async () => undefined,
      release: () => detach(name, marker, input),
    }).then(() =>
      startSessionProgram(
        {
          namespace: place.namespace,
          // Verbose, or it would go into the background.
          argv: qemuNbdArgv(input, socket, ['--verbose', `--connect=${device}`]),
          descriptors: descriptorsOf(opened),
          stop: async () => {
            await removeMappings(name)
            if (!(await isAttachedBy(name, marker))) return false
            const { exitCode } = await place.exec([input.qemuNbd, '--disconnect', device], { timeoutMs: options.releaseTimeoutMs })
            return exitCode === 0
          },
          stopTimeoutMs: options.releaseTimeoutMs,
        },
        own,
      ),
    )
    const outcome = await becomesReady(program, () => isAttachedBy(name, marker), options.attachTimeoutMs, signal)
    if (outcome === 'ended') throw explainExport(input, program.stderr())
    if (outcome === 'timeout') throw attachTimeout(input, device)
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
