import { mkdir } from 'node:fs/promises'
import { DriverError, type LeaseJournal, type ToolPath } from '@host-deployer/driver-api'
import { attachLoop, type ResourceStack } from '@host-deployer/driver-kit'
import { becomesReady } from './becomes-ready.ts'
import { attachTimeout, type DiskInput, exists, exportDisk } from './export-disk.ts'
import { type SessionProgram, startSessionProgram } from './session-program.ts'

/** A disk that this machine sees. */
export interface AttachedDevice {
  readonly device: ToolPath
  /** What has to run for it to work. */
  readonly programs: readonly SessionProgram[]
}

/**
 * nbdfuse(1) shows the export as a file, in a mount only the session sees, and a loop device makes a disk of it. Errors of {@link exportDisk};
 * `DRIVER_FUSE_FAILED`, `DRIVER_LOOP_FAILED`.
 */
export async function attachFuse(input: DiskInput, leases: LeaseJournal, stack: ResourceStack): Promise<AttachedDevice> {
  const { place, opened, options, index, signal } = input
  const { socket, program: server } = await exportDisk(input, stack)
  const directory = `${place.directory}/disk-${index}`
  const file = `${directory}/host-deployer-${place.id}-${index}`
  const ready = `${place.directory}/nbdfuse-${index}.pid`
  await mkdir(place.fromOutside(directory), { mode: 0o700 })
  const readOnly = opened.readOnly ? ['--readonly'] : []
  const program = await startSessionProgram(
    {
      namespace: place.namespace,
      argv: ['nbdfuse', '--pidfile', ready, ...readOnly, file, '--unix', socket],
      // It ends when nothing is mounted any more, after it has told the server to flush.
      stop: async () => void (await place.exec(['umount', '--', directory], { timeoutMs: options.releaseTimeoutMs })),
      stopTimeoutMs: options.releaseTimeoutMs,
    },
    stack,
  )
  const outcome = await becomesReady(program, () => exists(place.fromOutside(ready)), options.attachTimeoutMs, signal)
  if (outcome === 'timeout') throw attachTimeout(input, 'nbdfuse')
  if (outcome === 'ended') {
    throw new DriverError('DRIVER_FUSE_FAILED', `nbdfuse ended: ${program.stderr() || 'it said nothing'}`, {
      hint: 'It needs /dev/fuse and the right to mount; --driver qemu-initramfs needs neither.',
      context: { disk: input.request.id, reason: program.stderr() },
    })
  }
  const device = await attachLoop(
    { exec: place.exec, leases, releaseTimeoutMs: options.releaseTimeoutMs },
    { file, readOnly: opened.readOnly },
    stack,
  )
  return { device, programs: [server, program] }
}
