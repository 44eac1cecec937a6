import { BlockError, type ToolHost, type ToolPath } from '@host-deployer/driver-api'
import { isMountable, mountOptions } from './mountable-filesystem.ts'
import { tryTool } from './run-tool.ts'
import type { Filesystem } from './storage.ts'

export interface MountRequest {
  readonly filesystem: Pick<Filesystem, 'device' | 'type'>
  readonly target: ToolPath
  readonly ignoreJournal: boolean
  readonly subvolume?: string | null
  /** Read-write, to grow it. Default: read-only. */
  readonly writable?: boolean
  /** Make the target directory (0700) when it is missing. Only for our own mount points, never inside a guest. */
  readonly makeTarget?: boolean
}

// mount(8) makes the directory. The option --mkdir for it came with util-linux 2.38 only.
const MAKE_TARGET = 'X-mount.mkdir=0700'

// A dirty journal of a big file system in a small machine takes its time; a hang ends here.
export const mountTimeoutMs = 300_000

/**
 * Mounts one file system, read-only unless asked otherwise, by its explicit type. `BLOCK_FILESYSTEM_UNSUPPORTED` (a type or feature this kernel lacks),
 * `BLOCK_FILESYSTEM_DAMAGED`, `BLOCK_MOUNT_FAILED`; the message has the kernel's reason.
 */
export async function mountFilesystem(toolHost: ToolHost, request: MountRequest): Promise<void> {
  const { filesystem, target, makeTarget = false } = request
  if (!isMountable(filesystem.type)) throw unsupported(filesystem, 'not a file system that is mounted here')
  const options = mountOptions(filesystem.type, request)
  const mount = () =>
    tryTool(
      toolHost,
      ['mount', '-t', filesystem.type, '-o', makeTarget ? `${options},${MAKE_TARGET}` : options, '--', filesystem.device, target],
      { timeoutMs: mountTimeoutMs },
    )
  if (writesUnasked(filesystem) && !request.ignoreJournal && request.writable !== true) {
    await setDeviceWritable(toolHost, filesystem.device, false)
    if ((await mount()).ok) return
    // Refused for want of write access: there is a journal to replay.
    await setDeviceWritable(toolHost, filesystem.device, true)
  }
  const { ok, reason } = await mount()
  if (ok) return
  throw toMountError(filesystem, reason, await kernelLog(toolHost, filesystem.device))
}

/**
 * xfs writes to its log when it is mounted and unmounted, read-only or not, even when there is nothing to replay: blocks change, an image grows.
 * Only a device that refuses writes keeps it from that.
 */
export const writesUnasked = ({ type }: { readonly type: string }): boolean => type === 'xfs'

/** Lets the kernel refuse, or accept again, writes to a block device. Best effort: a disk that is read-only by itself stays so. */
export async function setDeviceWritable(toolHost: ToolHost, device: ToolPath, writable: boolean): Promise<void> {
  await tryTool(toolHost, ['blockdev', writable ? '--setrw' : '--setro', device])
}

/** What the kernel said about a device, its last few lines. Best effort: a tool host may not show it. */
async function kernelLog(toolHost: ToolHost, device: ToolPath): Promise<string> {
  try {
    const link = await tryTool(toolHost, ['readlink', '-f', device])
    const name = link.stdout.trim().replace(/^\/dev\//, '')
    const { ok, stdout } = await tryTool(toolHost, ['dmesg'])
    if (!ok || name === '') return ''
    return stdout
      .split('\n')
      .filter((line) => line.includes(`(${name})`) || line.includes(`device ${name}`) || line.includes(`dev ${name}`))
      .slice(-3)
      .map((line) => line.replace(/^\[[^\]]*\] */, '').replaceAll(/[\x00-\x1f\x7f-\x9f]/g, ''))
      .join('; ')
      .slice(0, 600)
  } catch {
    return ''
  }
}

const unsupported = ({ device, type }: MountRequest['filesystem'], reason: string): BlockError =>
  new BlockError('BLOCK_FILESYSTEM_UNSUPPORTED', `${device} (${type}) cannot be mounted: ${reason}`, {
    hint: 'The appliance kernel has to support it; a newer appliance may.',
    context: { device, type },
  })

function toMountError(filesystem: MountRequest['filesystem'], reason: string, log: string): BlockError {
  const { device, type } = filesystem
  const said = log === '' ? reason : `${reason} (kernel: ${log})`
  if (/unknown filesystem type|unsupported (optional )?(read-only )?feature|unsupported.*feature|incompat(ible)? feature/i.test(said)) {
    return unsupported(filesystem, said)
  }
  const damaged =
    /structure needs cleaning|bad superblock|can't read superblock|i\/o error|input\/output error|corrupt|bad magic|checksum|CRC/i
  if (damaged.test(said)) {
    return new BlockError('BLOCK_FILESYSTEM_DAMAGED', `The ${type} file system on ${device} is damaged: ${said}`, {
      hint: 'Repair a copy with the checker of that file system (e2fsck, xfs_repair, btrfs check), or use another image.',
      context: { device, type },
    })
  }
  return new BlockError('BLOCK_MOUNT_FAILED', `${device} (${type}) could not be mounted: ${said}`, {
    hint: 'The reason is the kernel’s; try to mount it by hand in the same appliance.',
    context: { device, type },
  })
}
