import { type FileHandle, open, readdir, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { CleanupError, DriverError, type LeaseJournal, type ToolHost, type ToolPath, toolPath } from '@host-deployer/driver-api'
import { acquireLeased } from './acquire-leased.ts'
import { becomesTrue } from './becomes-true.ts'
import { describeUse, removeMappings } from './block-device-use.ts'
import { createLocalToolHost } from './local-tool-host.ts'
import type { ResourceStack } from './resource-stack.ts'

export interface LoopRequest {
  /** The file below the device, as `exec` sees it. Its last segment must be a name nobody else uses: by it a killed session's loop device is found again. */
  readonly file: string
  readonly readOnly: boolean
}

export interface LoopPlace {
  /** Where the file is visible: this machine, or a session's namespace. */
  readonly exec: ToolHost['exec']
  readonly leases: LeaseJournal
  readonly releaseTimeoutMs?: number
}

/** Loop devices over a file of this name, by the kernel's names (`loop3`). */
export async function loopsOver(name: string): Promise<string[]> {
  const devices = (await readdir('/sys/block')).filter((device) => device.startsWith('loop'))
  const files = await Promise.all(devices.map((device) => readFile(`/sys/block/${device}/loop/backing_file`, 'utf8').catch(() => '')))
  // A file that was removed, or whose mount is gone, is shown otherwise; its name stays.
  return devices.filter((_, index) => basename((files[index] ?? '').trim().replace(/ \(deleted\)$/, '')) === name)
}

/** Detaches every loop device over a file of this name. `CLEANUP_RESIDUE`, with what keeps it. */
export async function releaseLoops(name: string, timeoutMs: number): Promise<void> {
  const { exec } = createLocalToolHost()
  for (const loop of await loopsOver(name)) {
    await removeMappings(loop)
    // It may go by itself in this moment.
    await exec(['losetup', '--detach', `/dev/${loop}`], { timeoutMs: 10_000 }).catch(() => undefined)
    const gone = await becomesTrue(async () => !(await loopsOver(name)).includes(loop), timeoutMs)
    if (gone) continue
    const reasons = await describeUse(loop)
    throw new CleanupError('CLEANUP_RESIDUE', `/dev/${loop} cannot be detached: ${reasons.join('; ') || 'it is busy'}`, {
      hint: 'End what uses it, then run `host-deployer reclaim`.',
      retry: 'may-help',
      context: { device: `/dev/${loop}`, reasons },
    })
  }
}

/**
 * blockdev --setro outlives what a loop or nbd device is attached to, and the next disk at the same device would refuse writes: `block` sets it for a while,
 * and a killed session leaves it set. Best effort but for what `exec` rejects for.
 */
export async function clearReadOnly(exec: ToolHost['exec'], device: string): Promise<void> {
  const flag = await readFile(`/sys/block/${basename(device)}/ro`, 'utf8').catch(() => '0')
  if (flag.trim() === '1') await exec(['blockdev', '--setrw', device], { timeoutMs: 10_000 })
}

async function attach({ exec }: LoopPlace, { file, readOnly }: LoopRequest): Promise<{ device: ToolPath; handle: FileHandle }> {
  const argv = ['losetup', '--find', '--show', '--partscan', ...(readOnly ? ['--read-only'] : []), '--', file] as const
  const { exitCode, stdout, stderr } = await exec(argv, { timeoutMs: 30_000 })
  const device = Buffer.from(stdout).toString().trim()
  if (exitCode !== 0 || !/^\/dev\/loop\d+$/.test(device)) {
    throw new DriverError('DRIVER_LOOP_FAILED', `No loop device could be had: ${Buffer.from(stderr).toString().trim()}`, {
      hint: 'Look with losetup --list whether loop devices are left over, and whether /dev/loop-control is there.',
      retry: 'may-help',
      context: { file },
    })
  }
  try {
    if (!readOnly) await clearReadOnly(exec, device)
    const handle = await open(device, 'r')
    // Detaching what is open only marks it: the kernel frees the device with its last opener, whatever ends us (loop(4), LO_FLAGS_AUTOCLEAR).
    await exec(['losetup', '--detach', device], { timeoutMs: 10_000 })
    return { device: toolPath(device), handle }
  } catch (error) {
    await releaseLoops(basename(file), 2_000).catch(() => {})
    throw error
  }
}

/**
 * A loop device over `file`, scanned for partitions where the kernel can, that goes when this process does. Registered with `stack` and in the journal.
 * `DRIVER_LOOP_FAILED`; on release `CLEANUP_RESIDUE`.
 */
export async function attachLoop(place: LoopPlace, request: LoopRequest, stack: ResourceStack): Promise<ToolPath> {
  const name = basename(request.file)
  const { device } = await acquireLeased(place.leases, stack, {
    what: `loop device over ${name}`,
    lease: { kind: 'loop-device', details: { backingName: name } },
    acquire: () => attach(place, request),
    release: async ({ device: attached, handle }) => {
      if (!request.readOnly) await clearReadOnly(createLocalToolHost().exec, attached).catch(() => {})
      await handle.close()
      await releaseLoops(name, place.releaseTimeoutMs ?? 5_000)
    },
  })
  return device
}
