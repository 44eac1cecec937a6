import { mkdir, writeFile } from 'node:fs/promises'
import {
  type AttachedDisk,
  CleanupError,
  type DriverContext,
  DriverError,
  type DriverSession,
  type OpenRequest,
  type ToolHost,
} from '@host-deployer/driver-api'
import {
  aborted,
  attachLoop,
  createLocalToolHost,
  createResourceStack,
  createSessionDirectory,
  openDisk,
  openSessionNamespace,
  type ResourceStack,
} from '@host-deployer/driver-kit'
import type { Options } from './options.ts'
import { capabilities } from './probe.ts'
import { type ExportedDisk, startStorageDaemon } from './storage-daemon.ts'

// Where host-deployer mounts guests on a tool host.
const MOUNTS = '/run/host-deployer'

/** `Driver.open`: every disk or none. */
export async function openSession(request: OpenRequest, context: DriverContext<Options>): Promise<DriverSession> {
  const { signal, options } = context
  if (!options.trustImages) {
    throw new DriverError(
      'DRIVER_IMAGE_NOT_TRUSTED',
      'The kernel of this machine would mount the image, and a hostile one can exploit that',
      {
        hint: 'For an image of your own say --trust-image; for others use --driver qemu-initramfs.',
      },
    )
  }
  // Whatever is acquired is registered here at once, and released in the reverse order: by close(), or right now when something fails.
  const stack = createResourceStack()
  try {
    return await attach(request, context, stack)
  } catch (error) {
    throw await stack.releaseAfter(signal?.aborted === true ? aborted(signal, 'open') : error)
  }
}

async function attach({ disks }: OpenRequest, context: DriverContext<Options>, stack: ResourceStack): Promise<DriverSession> {
  const goOn = (): void => context.signal?.throwIfAborted()
  goOn()
  const started = performance.now()
  const { id, path: directory } = await createSessionDirectory(context, stack)
  const opened = await Promise.all(disks.map((disk) => openDisk(disk, directory, stack)))

  goOn()
  const namespace = await openSessionNamespace({ id, leases: context.leases }, stack)
  const toolHost = createLocalToolHost({ namespace })
  // Of our own: sessions that run at the same time mount at the same places.
  await mkdir(MOUNTS, { recursive: true, mode: 0o700 })
  await run(toolHost, 'mount', '-t', 'tmpfs', '-o', 'mode=0700,size=16m,nosuid,nodev', 'host-deployer', MOUNTS)

  goOn()
  // By its name a loop device is found again should this process be killed: nobody else may have it.
  const exported = opened.map((disk, number): ExportedDisk => ({ opened: disk, file: `${directory}/${id}-${number}` }))
  for (const { file } of exported) await writeFile(file, '')
  await startStorageDaemon(exported, { namespace, signal: context.signal }, stack)
  const exportedMs = performance.now() - started

  const attached: AttachedDisk[] = []
  for (const { opened: disk, file } of exported) {
    goOn()
    const device = await attachLoop({ exec: toolHost.exec, leases: context.leases }, { file, readOnly: disk.readOnly }, stack)
    const sizeBytes = Number(await run(toolHost, 'blockdev', '--getsize64', device))
    attached.push({ id: disk.id, device, sizeBytes, readOnly: disk.readOnly })
  }
  goOn()
  const [first, ...others] = attached
  if (first === undefined) throw new TypeError('A request has at least one disk')
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= closeSession(attached, toolHost, stack)
    return closing
  }
  const timings = { export: exportedMs, attach: performance.now() - started - exportedMs }
  const info = { accelerator: 'none', timings } as const
  return { capabilities, disks: [first, ...others], toolHost, info, diagnostics: [], close, [Symbol.asyncDispose]: close }
}

/** Everything is tried; the first failure is thrown, with the others attached. */
async function closeSession(disks: readonly AttachedDisk[], toolHost: ToolHost, stack: ResourceStack): Promise<void> {
  const errors: CleanupError[] = []
  const attempt = (code: string, action: () => Promise<unknown>): Promise<unknown> =>
    action().catch((cause: unknown) => {
      errors.push(cause instanceof CleanupError ? cause : new CleanupError(code, String(cause), { cause }))
    })
  const written = disks.filter(({ readOnly }) => !readOnly).map(({ device }) => device)
  await attempt('CLEANUP_RESIDUE', () => releaseDevices(disks, toolHost))
  if (written.length > 0) await attempt('CLEANUP_FLUSH_FAILED', () => run(toolHost, 'sync', ...written))
  await attempt('CLEANUP_RESIDUE', () => stack.release())
  const [first, ...rest] = errors
  first?.cleanupErrors.push(...rest)
  if (first !== undefined) throw first
}

/** Unmounts what somebody left mounted, and detaches loop devices over parts of ours. */
async function releaseDevices(disks: readonly AttachedDisk[], toolHost: ToolHost): Promise<void> {
  const devices = disks.map(({ device }) => String(device))
  const loops = await run(toolHost, 'losetup', '--list', '--noheadings', '--raw', '--output', 'NAME,BACK-FILE')
  const above = loops.split('\n').flatMap((line) => {
    const [name = '', file = ''] = line.split(' ')
    return devices.includes(file) ? [name] : []
  })
  for (const line of (await run(toolHost, 'cat', '/proc/self/mountinfo')).trim().split('\n').reverse()) {
    // Fields by proc(5): the mount point is the fifth, the source the second after the dash.
    const [fields = '', filesystem = ''] = line.split(' - ')
    const target = fields.split(' ')[4]?.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
    if ([...devices, ...above].includes(filesystem.split(' ')[1] ?? '')) await run(toolHost, 'umount', '--', target ?? '')
  }
  for (const name of above) await run(toolHost, 'losetup', '--detach', name)
}

async function run(toolHost: ToolHost, ...argv: [string, ...string[]]): Promise<string> {
  const { exitCode, stdout, stderr } = await toolHost.exec(argv, { timeoutMs: 60_000 })
  if (exitCode === 0) return Buffer.from(stdout).toString()
  throw new DriverError('DRIVER_QSD_FAILED', `${argv.join(' ')}: ${Buffer.from(stderr).toString().trim()}`, {
    hint: 'The reason is in the message; what the kernel says about the device is in dmesg.',
  })
}
