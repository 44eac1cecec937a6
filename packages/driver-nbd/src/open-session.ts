import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import {
  type AttachedDisk,
  type Diagnostic,
  type DriverContext,
  DriverError,
  type DriverSession,
  type OpenRequest,
} from '@host-deployer/driver-api'
import {
  aborted,
  checkOpenRequest,
  createLocalToolHost,
  createResourceStack,
  createSessionDirectory,
  openDisk,
  type ResourceStack,
} from '@host-deployer/driver-kit'
import { type AttachedDevice, attachFuse } from './attach-fuse.ts'
import { attachKernel } from './attach-kernel.ts'
import { capabilitiesOf } from './capabilities.ts'
import { type Attacher, chooseAttacher } from './choose-attacher.ts'
import type { DiskInput } from './export-disk.ts'
import { kernelReadsTables } from './kernel-reads-tables.ts'
import { createLvmEnvironment, findLvm } from './lvm-environment.ts'
import type { NbdOptions } from './options.ts'
import { always, findPrograms, forFuse } from './programs.ts'
import { createSession } from './session.ts'
import { openSessionPlace } from './session-place.ts'

type Context = DriverContext<NbdOptions>

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw aborted(signal, 'opening the disks')
}

function checkAllowed({ trustImages }: NbdOptions): void {
  if (!trustImages) {
    throw new DriverError(
      'DRIVER_IMAGE_NOT_TRUSTED',
      'This driver lets the kernel of this machine mount the image, which a hostile image can exploit',
      {
        hint: 'Use --driver qemu-initramfs, which mounts it in a throw-away VM; or, for an image of your own, say --trust-image (driver option trustImages: true).',
      },
    )
  }
  if (process.getuid?.() !== 0) {
    throw new DriverError('DRIVER_NOT_PERMITTED', 'Attaching and mounting disks on this machine takes root', {
      hint: 'Run as root, or use --driver qemu-initramfs, which needs no rights but those on the image.',
    })
  }
}

/** Settles all before it rejects with the first error: what was attached meanwhile is in the stack by then. */
async function all<T>(actions: readonly Promise<T>[]): Promise<T[]> {
  const outcomes = await Promise.allSettled(actions)
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  })
}

function attach(attacher: Attacher, input: DiskInput, context: Context, stack: ResourceStack): Promise<AttachedDevice> {
  return attacher === 'kernel' ? attachKernel(input, context.leases, stack) : attachFuse(input, context.leases, stack)
}

async function sizeBytesOf(device: string): Promise<number> {
  // In units of 512 bytes whatever the sector size is.
  return Number(await readFile(`/sys/class/block/${basename(device)}/size`, 'utf8')) * 512
}

async function openAll(request: OpenRequest, context: Context, stack: ResourceStack): Promise<DriverSession> {
  const { options, signal } = context
  const startedAt = performance.now()
  const timings: Record<string, number> = {}
  let since = startedAt
  const lap = (name: string): void => {
    const now = performance.now()
    timings[name] = Math.round(now - since)
    since = now
    throwIfAborted(signal)
  }
  const { attacher, diagnostics: chosen } = await chooseAttacher(options)
  const qemuNbd = await findPrograms(options, attacher === 'fuse' ? [...always, ...forFuse] : always)
  const { id, path } = await createSessionDirectory(context, stack)
  const place = await openSessionPlace({ id, leases: context.leases, workDirectory: context.workDirectory }, stack)
  lap('namespace')
  const opened = await all(request.disks.map((disk) => openDisk(disk, path, stack)))
  // While the disks are attached: it takes about as long.
  const tables = attacher === 'kernel' ? Promise.resolve(true) : kernelReadsTables(place, context.leases).catch(() => false)
  const attached = await all(
    request.disks.map(async (disk, index) => {
      const images = opened[index]
      if (images === undefined) throw new TypeError('A disk without images')
      const device = await attach(attacher, { place, request: disk, opened: images, index, qemuNbd, options, signal }, context, stack)
      const { id: diskId, access } = disk
      const info: AttachedDisk = {
        id: diskId,
        device: device.device,
        sizeBytes: await sizeBytesOf(device.device),
        readOnly: access === 'read-only',
      }
      return { info, written: access === 'read-write', programs: device.programs }
    }),
  ).finally(() => tables)
  lap('attach')
  const lvm = await findLvm()
  const env = lvm.usable
    ? await createLvmEnvironment(
        place,
        attached.map(({ info }) => info.device),
      )
    : {}
  const diagnostics: Diagnostic[] = [...chosen]
  const session = await createSession({
    place,
    attached,
    toolHost: createLocalToolHost({ namespace: place.namespace, env }),
    capabilities: capabilitiesOf({ partitionNodes: await tables, lvm: lvm.usable }),
    info: { accelerator: 'none', timings },
    diagnostics,
    options,
    stack,
  })
  // A signal that fired meanwhile is heard, too: from here on nothing is waited for.
  throwIfAborted(signal)
  return session
}

/** {@link import('@host-deployer/driver-api').Driver.open} of this driver. */
export async function openSession(request: OpenRequest, context: Context): Promise<DriverSession> {
  checkOpenRequest(request)
  checkAllowed(context.options)
  throwIfAborted(context.signal)
  const stack = createResourceStack()
  try {
    return await openAll(request, context, stack)
  } catch (error) {
    const { signal } = context
    throw await stack.releaseAfter(signal?.aborted === true ? aborted(signal, 'opening the disks') : error)
  }
}
