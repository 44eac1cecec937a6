import {
  type AttachedDisk,
  type Capabilities,
  CleanupError,
  type Diagnostic,
  type DriverSession,
  type SessionInfo,
  type ToolHost,
} from '@host-deployer/driver-api'
import type { ResourceStack } from '@host-deployer/driver-kit'
import { createClearing } from './clear-session.ts'
import type { NbdOptions } from './options.ts'
import type { SessionPlace } from './session-place.ts'
import type { SessionProgram } from './session-program.ts'

export interface SessionDisk {
  readonly info: AttachedDisk
  /** Its changes have to reach the image. */
  readonly written: boolean
  readonly programs: readonly SessionProgram[]
}

export interface SessionInput {
  readonly place: SessionPlace
  readonly attached: readonly SessionDisk[]
  readonly toolHost: ToolHost
  readonly capabilities: Capabilities
  readonly info: SessionInfo
  readonly diagnostics: readonly Diagnostic[]
  readonly options: NbdOptions
  /** Everything the session holds. */
  readonly stack: ResourceStack
}

const FLUSH_TIMEOUT_MS = 300_000

function flushFailed(reason: string, cause?: unknown): CleanupError {
  return new CleanupError('CLEANUP_FLUSH_FAILED', `Not everything that was written has reached the image: ${reason}`, {
    hint: 'Check the image (fsck, qemu-img check) and the free space under it.',
    cause,
  })
}

/** Writes back what the kernel, nbdfuse and qemu-nbd hold: fsync(2) of a disk goes through all of them. */
async function flush({ attached, place }: SessionInput): Promise<CleanupError | undefined> {
  const written = attached.filter((disk) => disk.written)
  const [first, ...rest] = written.map(({ info }) => String(info.device))
  if (first === undefined) return undefined
  const lost = written.find(({ programs }) => programs.some((program) => !program.isRunning()))
  if (lost !== undefined) return flushFailed(`the server of disk ${lost.info.id} has ended`)
  try {
    const { exitCode, stderr } = await place.exec(['sync', '--', first, ...rest], { timeoutMs: FLUSH_TIMEOUT_MS })
    return exitCode === 0 ? undefined : flushFailed(Buffer.from(stderr).toString().trim())
  } catch (error) {
    return flushFailed(error instanceof Error ? error.message : String(error), error)
  }
}

async function closeAll(input: SessionInput, clear: () => Promise<void>): Promise<void> {
  const errors: unknown[] = []
  const collect = (error: unknown): void => void errors.push(error)
  await clear().catch(collect)
  const unflushed = await flush(input)
  if (unflushed !== undefined) collect(unflushed)
  await input.stack.release().catch(collect)
  const [first, ...rest] = errors
  if (first instanceof CleanupError) first.cleanupErrors.push(...rest)
  if (first !== undefined) throw first
}

/** The session over attached disks. */
export async function createSession(input: SessionInput): Promise<DriverSession> {
  const [first, ...others] = input.attached.map(({ info }) => info)
  if (first === undefined) throw new TypeError('A session without a disk')
  const clear = await createClearing(input)
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= closeAll(input, clear)
    return closing
  }
  const { capabilities, toolHost, info, diagnostics } = input
  return { capabilities, disks: [first, ...others], toolHost, info, diagnostics, close, [Symbol.asyncDispose]: close }
}
