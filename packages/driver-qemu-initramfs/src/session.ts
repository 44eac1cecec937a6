import {
  type AttachedDisk,
  type Capabilities,
  CleanupError,
  type Diagnostic,
  type DriverSession,
  hostPath,
  type SessionInfo,
} from '@host-deployer/driver-api'
import type { ResourceStack } from '@host-deployer/driver-kit'
import { createGuestExec, guardToolHost } from './guarded-tool-host.ts'
import { endsWithin, type RunningVm } from './virtual-machine.ts'

export interface SessionInput {
  readonly vm: RunningVm
  readonly disks: readonly [AttachedDisk, ...AttachedDisk[]]
  /** The disks whose changes have to reach their image. */
  readonly written: readonly AttachedDisk[]
  readonly info: SessionInfo
  readonly diagnostics: readonly Diagnostic[]
  readonly memoryMb: number
  /** Everything the session holds. */
  readonly stack: ResourceStack
}

const FLUSH_TIMEOUT_MS = 300_000
const QUIT_TIMEOUT_MS = 60_000

function flushFailed(reason: string, cause?: unknown): CleanupError {
  return new CleanupError('CLEANUP_FLUSH_FAILED', `Not everything that was written has reached the image: ${reason}`, {
    hint: 'Check the image (fsck, qemu-img check) and the free space under it.',
    cause,
  })
}

/** Writes back what the VM's kernel and QEMU hold; fsync(2) of a disk makes QEMU flush its image. */
async function flush({ vm, written }: SessionInput): Promise<CleanupError | undefined> {
  if (written.length === 0) return undefined
  try {
    const { exitCode, stderr } = await vm.toolHost.exec(['sync', ...written.map(({ device }) => device)], { timeoutMs: FLUSH_TIMEOUT_MS })
    return exitCode === 0 ? undefined : flushFailed(Buffer.from(stderr).toString().trim())
  } catch (error) {
    return flushFailed(error instanceof Error ? error.message : String(error), error)
  }
}

/** Asks QEMU to close its images and end. */
async function quit({ vm, written }: SessionInput): Promise<CleanupError | undefined> {
  if (vm.process.exit() !== undefined) return undefined
  // QEMU may end before its answer is out.
  vm.qmp.execute('quit', undefined, { timeoutMs: QUIT_TIMEOUT_MS }).catch(() => {})
  if (await endsWithin(vm.process, QUIT_TIMEOUT_MS)) return undefined
  vm.process.kill()
  return written.length === 0 ? undefined : flushFailed('QEMU did not end by itself and was killed')
}

async function closeAll(input: SessionInput): Promise<void> {
  const errors: unknown[] = []
  for (const step of [flush, quit]) {
    const error = await step(input)
    if (error !== undefined) errors.push(error)
  }
  await input.stack.release().catch((error: unknown) => errors.push(error))
  const [first, ...rest] = errors
  if (first instanceof CleanupError) first.cleanupErrors.push(...rest)
  if (first !== undefined) throw first
}

/** The same for every session of our own appliance: they come with it. */
export const capabilities: Capabilities = { isolated: true, xattrs: true, guestExec: true, partitionNodes: true, lvm: true }

/** The session over a running VM. */
export function createSession(input: SessionInput): DriverSession {
  const toolHost = guardToolHost(input.vm, input.memoryMb)
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= closeAll(input)
    return closing
  }
  return {
    capabilities: { ...capabilities, ...input.vm.stockTools?.capabilities },
    disks: input.disks,
    toolHost,
    guestExec: createGuestExec(toolHost),
    info: input.info,
    diagnostics: input.diagnostics,
    keep: async () => hostPath(await input.vm.keepEvidence()),
    close,
    [Symbol.asyncDispose]: close,
  }
}
