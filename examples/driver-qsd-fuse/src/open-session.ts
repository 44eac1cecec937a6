import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type AttachedDisk,
  CleanupError,
  DiskError,
  type DriverContext,
  DriverError,
  type DriverSession,
  type OpenRequest,
  type ToolHost,
  toolPath,
} from '@host-deployer/driver-api'
import { aborted, createResourceStack, type ResourceStack } from '@host-deployer/driver-kit'
import { blockGraph, type ExportedDisk } from './block-graph.ts'
import { checkImages } from './check-image.ts'
import { createNamespaceToolHost } from './namespace-tool-host.ts'
import { capabilities } from './probe.ts'
import { startChild } from './start-child.ts'

type Context = DriverContext<Record<string, never>>

/** {@link import('@host-deployer/driver-api').Driver.open} of this driver. */
export async function openSession(request: OpenRequest, context: Context): Promise<DriverSession> {
  const stack = createResourceStack()
  try {
    return await attach(request, context, stack)
  } catch (error) {
    throw await stack.releaseAfter(context.signal?.aborted === true ? aborted(context.signal, 'open') : error)
  }
}

async function attach({ disks }: OpenRequest, { workDirectory, leases, signal }: Context, stack: ResourceStack): Promise<DriverSession> {
  const goOn = (): void => signal?.throwIfAborted()
  const started = performance.now()
  goOn()
  const fileDrivers = await Promise.all(disks.map(checkImages))

  // What is acquired is released in the reverse order, by close() and on the way out of a failure.
  const directory = await mkdtemp(join(workDirectory, 'session-'))
  stack.defer(directory, () => rm(directory, { recursive: true, force: true }))
  stack.defer('lease', await leases.record({ kind: 'directory', details: { path: directory } }))

  goOn()
  const holder = await startChild(['unshare', '--mount', '--', 'sh', '-c', 'echo ready; exec cat'], leases, stack)
  let isOpen = true
  stack.defer('tool host', () => {
    isOpen = false
  })
  const toolHost = createNamespaceToolHost(holder.pid, () => isOpen)

  const exported = await Promise.all(
    disks.map((disk, index) => prepare(disk, fileDrivers[index] ?? [], join(directory, `disk${index}`), toolHost)),
  )
  goOn()
  await startDaemon(holder.pid, blockGraph(exported), leases, stack)
  const exportedMs = performance.now() - started

  const attached: AttachedDisk[] = []
  for (const { disk, mountpoint } of exported) {
    goOn()
    attached.push(await attachLoop(disk.id, mountpoint, disk.access === 'read-only', toolHost, stack))
  }
  goOn()
  const [first, ...others] = attached
  if (first === undefined) throw new TypeError('A request without disks')
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => (closing ??= closeSession(attached, holder.pid, toolHost, stack))
  return {
    capabilities,
    disks: [first, ...others],
    toolHost,
    info: { accelerator: 'none', timings: { export: exportedMs, attach: performance.now() - started - exportedMs } },
    diagnostics: [],
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function prepare(disk: ExportedDisk['disk'], fileDrivers: string[], mountpoint: string, toolHost: ToolHost): Promise<ExportedDisk> {
  await writeFile(mountpoint, '')
  if (disk.access !== 'scratch') return { disk, fileDrivers, mountpoint }
  const overlay = `${mountpoint}.qcow2`
  const [image] = disk.chain
  const { 'virtual-size': size } = JSON.parse(
    await run(toolHost, 'qemu-img', 'info', '--force-share', '--output=json', '-f', image.format, image.path),
  )
  await run(toolHost, 'qemu-img', 'create', '-q', '-f', 'qcow2', overlay, String(size))
  return { disk, fileDrivers, overlay, mountpoint }
}

async function startDaemon(pid: number, graph: string[], leases: Context['leases'], stack: ResourceStack): Promise<void> {
  // It greets on its monitor, which is made last: when everything else stands.
  const monitor = ['--chardev', 'stdio,id=monitor', '--monitor', 'chardev=monitor']
  try {
    await startChild(['nsenter', `--mount=/proc/${pid}/ns/mnt`, '--', 'qemu-storage-daemon', ...graph, ...monitor], leases, stack)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    if (/Failed to get .* lock/.test(reason))
      throw new DiskError('IMAGE_LOCKED', reason, { hint: 'Stop who uses the image.', retry: 'may-help', cause })
    throw new DriverError('DRIVER_QSD_FAILED', `qemu-storage-daemon: ${reason}`, { hint: 'Check the image with qemu-img check.', cause })
  }
}

async function attachLoop(id: string, path: string, readOnly: boolean, toolHost: ToolHost, stack: ResourceStack): Promise<AttachedDisk> {
  const device = (await run(toolHost, 'losetup', '--find', '--show', ...(readOnly ? ['--read-only'] : []), path)).trim()
  // Detaching a device that is open waits for its last user (losetup(8)): with our descriptor it goes, even if this process is killed.
  const handle = await open(device, 'r')
  stack.defer(device, () => handle.close())
  await run(toolHost, 'losetup', '--detach', device)
  return { id, device: toolPath(device), sizeBytes: Number(await run(toolHost, 'blockdev', '--getsize64', device)), readOnly }
}

async function closeSession(disks: AttachedDisk[], pid: number, toolHost: ToolHost, stack: ResourceStack): Promise<void> {
  const errors: CleanupError[] = []
  const attempt = (code: string, action: () => Promise<unknown>): Promise<unknown> =>
    action().catch((cause: unknown) => {
      errors.push(cause instanceof CleanupError ? cause : new CleanupError(code, String(cause), { cause }))
    })
  await attempt('CLEANUP_RESIDUE', () => releaseDevices(disks, pid, toolHost))
  const written = disks.filter(({ readOnly }) => !readOnly).map(({ device }) => device)
  if (written.length > 0) await attempt('CLEANUP_FLUSH_FAILED', () => run(toolHost, 'sync', ...written))
  await attempt('CLEANUP_RESIDUE', () => stack.release())
  const [first, ...rest] = errors
  first?.cleanupErrors.push(...rest)
  if (first !== undefined) throw first
}

/** Unmounts what is still mounted, and detaches loop devices that somebody made of parts of ours. */
async function releaseDevices(disks: AttachedDisk[], pid: number, toolHost: ToolHost): Promise<void> {
  const devices = disks.map(({ device }) => String(device))
  const loops = await run(toolHost, 'losetup', '--list', '--noheadings', '--raw', '--output', 'NAME,BACK-FILE')
  const nested = loops.split('\n').flatMap((line) => {
    const [name = '', file = ''] = line.split(' ')
    return devices.includes(file) ? [name] : []
  })
  for (const line of (await readFile(`/proc/${pid}/mountinfo`, 'utf8')).trim().split('\n').reverse()) {
    // Fields by proc(5): the mount point is the fifth, the source the second after the dash.
    const [fields = '', filesystem = ''] = line.split(' - ')
    const target = fields.split(' ')[4]?.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
    if ([...devices, ...nested].includes(filesystem.split(' ')[1] ?? '')) await run(toolHost, 'umount', '--', target ?? '')
  }
  for (const name of nested) await run(toolHost, 'losetup', '--detach', name)
}

async function run(toolHost: ToolHost, ...argv: [string, ...string[]]): Promise<string> {
  const { exitCode, stdout, stderr } = await toolHost.exec(argv, { timeoutMs: 60_000 })
  if (exitCode === 0) return Buffer.from(stdout).toString()
  throw new DriverError('DRIVER_QSD_FAILED', `${argv.join(' ')}: ${Buffer.from(stderr).toString().trim()}`)
}
