import { access } from 'node:fs/promises'
import { DiskError, type DiskRequest, DriverError, TimeoutError } from '@host-deployer/driver-api'
import { blockNode, type OpenedDisk, type ResourceStack } from '@host-deployer/driver-kit'
import { becomesReady } from './becomes-ready.ts'
import type { NbdOptions } from './options.ts'
import type { SessionPlace } from './session-place.ts'
import { type SessionProgram, startSessionProgram } from './session-program.ts'

/** What every way of attaching a disk starts from. */
export interface DiskInput {
  readonly place: SessionPlace
  readonly request: DiskRequest
  readonly opened: OpenedDisk
  /** Its place in the request. */
  readonly index: number
  readonly qemuNbd: string
  readonly options: NbdOptions
  readonly signal: AbortSignal | undefined
}

/** QEMU's texts for a lock somebody else holds (block/file-posix.c, block.c). */
const LOCKED = /Failed to get (shared )?"[\w ]+" lock|Is another process using the image|Conflicts with use by/

/** Descriptors of a child start after its standard ones. */
const FIRST_FD = 3

/** The words that every qemu-nbd of ours gets, and its descriptors. Nothing in them is a name of the image that QEMU would have to resolve or guess from. */
export function qemuNbdArgv(input: DiskInput, socket: string, extra: readonly string[]): [string, ...string[]] {
  const { opened, qemuNbd } = input
  const filenames = opened.images.map((_, index) => `/proc/self/fd/${FIRST_FD + index}`)
  const node = blockNode(opened, { filenames, exclusive: true })
  const readOnly = opened.readOnly ? ['--read-only'] : []
  return [qemuNbd, `--socket=${socket}`, ...readOnly, '--discard=unmap', ...extra, `json:${JSON.stringify(node)}`]
}

export const descriptorsOf = ({ images }: OpenedDisk): number[] => images.map(({ handle }) => handle.fd)

/** A socket no other session has: its name is how a killed session's qemu-nbd is told from everybody else's. */
export const socketOf = ({ place, index }: DiskInput): string => `${place.directory}/${place.id}-${index}.sock`

/** Why qemu-nbd ended instead of serving the image. */
export function explainExport({ request }: DiskInput, stderr: string): DriverError | DiskError {
  const [{ path, format }] = request.chain
  const context = { path, disk: request.id, reason: stderr }
  if (LOCKED.test(stderr)) {
    return new DiskError('IMAGE_LOCKED', `${path} is in use by another process`, {
      hint: 'Shut down the virtual machine or stop the other program that has it open.',
      retry: 'may-help',
      context,
    })
  }
  if (/Failed to blk_new_open/.test(stderr)) {
    return new DiskError('IMAGE_DAMAGED', `${path} cannot be opened as ${format}: ${stderr}`, {
      hint: 'Check it with qemu-img check, or state the right format.',
      context,
    })
  }
  return new DriverError('DRIVER_NBD_EXPORT_FAILED', `qemu-nbd ended: ${stderr || 'it said nothing'}`, {
    hint: 'The reason is the one of qemu-nbd; its package on Debian is qemu-utils.',
    context,
  })
}

export function attachTimeout({ request, options }: DiskInput, what: string): TimeoutError {
  return new TimeoutError('DRIVER_NBD_TIMEOUT', `${what} was not ready within ${options.attachTimeoutMs} ms`, {
    hint: 'Give it longer with the driver option attachTimeoutMs; the storage under the image may be slow.',
    retry: 'may-help',
    context: { disk: request.id },
  })
}

export const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

/** A disk that qemu-nbd serves. */
export interface ExportedDisk {
  readonly socket: string
  readonly program: SessionProgram
}

/** Serves a disk on a socket of the session. `IMAGE_LOCKED`, `IMAGE_DAMAGED`, `DRIVER_NBD_EXPORT_FAILED`, `DRIVER_NBD_TIMEOUT`. */
export async function exportDisk(input: DiskInput, stack: ResourceStack): Promise<ExportedDisk> {
  const { place, opened, options, index, signal } = input
  const socket = socketOf(input)
  const ready = `${place.directory}/qemu-nbd-${index}.pid`
  const argv = qemuNbdArgv(input, socket, ['--persistent', '--shared=0', `--pid-file=${ready}`])
  const program = await startSessionProgram(
    { namespace: place.namespace, argv, descriptors: descriptorsOf(opened), stopTimeoutMs: options.releaseTimeoutMs },
    stack,
  )
  const outcome = await becomesReady(program, () => exists(place.fromOutside(ready)), options.attachTimeoutMs, signal)
  if (outcome === 'ended') throw explainExport(input, program.stderr())
  if (outcome === 'timeout') throw attachTimeout(input, 'qemu-nbd')
  return { socket, program }
}
