import type { FileHandle } from 'node:fs/promises'
import { DeployError, type DiskRequest, type DriverContext, DriverError, TimeoutError } from '@host-deployer/driver-api'
import {
  aborted,
  connectSshToolHost,
  createResourceStack,
  identifyProcess,
  type OpenedDisk,
  openDisk,
  type ResourceStack,
  type SshToolHost,
} from '@host-deployer/driver-kit'
import type { Appliance } from './appliance-manifest.ts'
import { attachDisks } from './attach-disks.ts'
import { makeInitramfs, openBootFile } from './boot-files.ts'
import { generateBootKeys } from './boot-keys.ts'
import { goByte, reseedingGo, restoreState } from './clone.ts'
import { confirmReseed } from './confirm-reseed.ts'
import type { Programs } from './environment.ts'
import { createEvidence } from './evidence.ts'
import { keepOverlays } from './keep-overlays.ts'
import type { QemuInitramfsOptions } from './options.ts'
import { portSession } from './port-session.ts'
import { qemuCommandLine } from './qemu-command-line.ts'
import { type QemuProcess, startQemu } from './qemu-process.ts'
import { connectQmp, type QmpClient } from './qmp-client.ts'
import { type SilenceWatch, watchSilence } from './silence-watch.ts'
import { bootStock } from './stock-boot.ts'
import type { StockTools } from './stock-tools.ts'
import { type OpenTemplate, type TemplateKeys, templateKeys } from './template-store.ts'
import { attachConsole, explainRemains } from './vm-failure.ts'
import type { VmUser } from './vm-user.ts'

/** Absent in an input: an ordinary cold boot. */
export type VmOrigin =
  /** A cold boot with the keys given, in a VM that can be saved. QEMU starts in `directory`, its memory is `memory` or its own. */
  | {
      readonly kind: 'template'
      readonly keys: ReturnType<typeof generateBootKeys>
      readonly directory: string
      readonly memory?: FileHandle
    }
  | { readonly kind: 'clone'; readonly template: OpenTemplate }

export interface VmInput {
  readonly origin?: VmOrigin
  readonly disks: readonly DiskRequest[]
  readonly context: DriverContext<QemuInitramfsOptions>
  readonly appliance: Appliance
  readonly programs: Programs
  readonly accelerator: 'kvm' | 'tcg'
  /** Give up (`DRIVER_VM_SILENT`) when the console says nothing for so long; the kernel is made to talk. Absent: no watch. */
  readonly silenceMs?: number
  readonly user: VmUser | undefined
  /** The session's private directory. */
  readonly directory: string
}

/** A VM that has booted and lets us in. */
export interface RunningVm {
  readonly process: QemuProcess
  readonly qmp: QmpClient
  readonly toolHost: SshToolHost
  /** Its disks were plugged in while it ran, and its clock stands where the template was saved. */
  readonly isClone: boolean
  /** What a stock appliance can do. Absent: it is ours, which can do everything. */
  readonly stockTools?: StockTools
  readonly disks: readonly OpenedDisk[]
  /** Writes console log and traces to a directory that outlives the VM, and returns it. */
  keepEvidence(): Promise<string>
  /** Milliseconds: `prepare`, `spawn`, `restore` (of a clone), `attach`, of a clone `reseed` (its kernel says it has new randomness) or `seed` (we send it), `boot`, `login`. */
  readonly timings: Readonly<Record<string, number>>
}

// QEMU's exit is noticed a moment after its sockets close.
const EXIT_GRACE_MS = 2_000

const CONNECTION_CODES = new Set(['DRIVER_QMP_LOST', 'DRIVER_SSH_FAILED', 'EXEC_CONNECTION_LOST'])

/** Waits for the process to end, at most so long. */
export async function endsWithin(process: QemuProcess, timeoutMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(resolve, timeoutMs, false)
  process.exited.then(() => resolve(true))
  return promise.finally(() => clearTimeout(timer))
}

/** Replaces the loss of a connection by its reason when QEMU is gone, and attaches the console's last lines. */
export async function explainVmError(error: unknown, process: QemuProcess, memoryMb: number): Promise<unknown> {
  if (!DeployError.isInstance(error)) return error
  const lost = CONNECTION_CODES.has(error.code) && (await endsWithin(process, EXIT_GRACE_MS))
  const consoleLines = process.console.lines()
  if (!lost && error.code.startsWith('IMAGE_')) return error
  return lost
    ? explainRemains({ exit: process.exit(), consoleLines, stderr: process.stderr(), memoryMb }, error)
    : attachConsole(error, consoleLines)
}

/** A promise that rejects when the boot must stop, and the way to take back its listeners. */
function bootGuard(input: VmInput, process: QemuProcess) {
  const { context, silenceMs } = input
  const { promise, reject } = Promise.withResolvers<never>()
  promise.catch(() => {})
  const { bootTimeoutMs } = context.options
  const deadline = setTimeout(() => {
    const hint = 'A slow machine without KVM may need a larger bootTimeoutMs; the last console lines tell how far it came.'
    reject(new TimeoutError('TIMEOUT_BOOT', `The appliance did not boot within ${bootTimeoutMs} ms`, { hint, retry: 'may-help' }))
  }, bootTimeoutMs)
  const onAbort = (): void => reject(aborted(context.signal, 'starting the appliance'))
  context.signal?.addEventListener('abort', onAbort, { once: true })
  if (context.signal?.aborted === true) onAbort()
  let silence: SilenceWatch | undefined
  process.exited.then(() => reject(new DriverError('DRIVER_QMP_LOST', 'QEMU ended')))
  return {
    stopped: promise,
    expectConsole() {
      if (silenceMs === undefined) return
      silence = watchSilence(silenceMs, () => {
        reject(new DriverError('DRIVER_VM_SILENT', `The console said nothing for ${silenceMs} ms`))
      })
    },
    heard: () => silence?.heard(),
    dispose() {
      clearTimeout(deadline)
      silence?.stop()
      context.signal?.removeEventListener('abort', onAbort)
    },
  }
}

/** Opens what QEMU inherits and starts it. Our own copies are closed afterwards, so that the images' locks are QEMU's alone. */
async function spawnVm(
  input: VmInput,
  bootKeys: ReturnType<typeof generateBootKeys>,
  evidence: ReturnType<typeof createEvidence>,
  onConsole: () => void,
) {
  const { context, appliance, directory, user, programs, origin } = input
  const descriptors = createResourceStack()
  const started = performance.now()
  try {
    const disks: OpenedDisk[] = []
    for (const disk of input.disks) disks.push(await openDisk(disk, directory, descriptors))
    const { stock } = context.options
    const kernel = await openBootFile(appliance, 'kernel', directory, user, descriptors)
    const openSecond = async () => {
      if (origin?.kind === 'clone') return origin.template.state
      if (stock !== undefined) return openBootFile(appliance, 'initramfs', directory, user, descriptors)
      return makeInitramfs(appliance, bootKeys, directory, user, descriptors)
    }
    const second = await openSecond()
    const memory = origin?.kind === 'clone' ? origin.template.memory : origin?.memory
    const images = disks.flatMap((disk) => disk.images.map((image) => image.handle.fd))
    const argv = qemuCommandLine({
      role: origin?.kind ?? 'boot',
      accelerator: input.accelerator,
      // It starts kernels on these boards only.
      qboot: stock === undefined && programs.hasQboot && (context.options.machine === 'q35' || context.options.machine === 'pc'),
      options: context.options,
      kernelCommandLine: appliance.manifest.kernelCommandLine,
      talkative: input.silenceMs !== undefined,
      network: stock !== undefined,
      imageCount: images.length,
      heldMemory: memory !== undefined,
    })
    evidence.commandLine(argv)
    const prepared = performance.now()
    const process = await startQemu({
      qemu: programs.qemu,
      setpriv: programs.setpriv,
      argv,
      user,
      descriptors: [kernel.fd, second.fd, ...images, ...(memory === undefined ? [] : [memory.fd])],
      ...(origin?.kind === 'template' && { cwd: origin.directory }),
      onConsole: (chunk) => {
        evidence.console(chunk)
        onConsole()
      },
    })
    return { process, disks, prepareMs: prepared - started }
  } finally {
    await descriptors.release()
  }
}

async function bootSpawned(
  input: VmInput,
  spawned: Awaited<ReturnType<typeof spawnVm>>,
  keys: TemplateKeys,
  evidence: ReturnType<typeof createEvidence>,
  guard: ReturnType<typeof bootGuard>,
  stack: ResourceStack,
): Promise<RunningVm> {
  const { process, disks, prepareMs } = spawned
  const { options } = input.context
  const timings: Record<string, number> = { prepare: Math.round(prepareMs) }
  let last = performance.now()
  const mark = (step: string): void => {
    const now = performance.now()
    timings[step] = Math.round(now - last)
    last = now
  }
  const step = async <T>(name: string, action: Promise<T>): Promise<T> => {
    const value = await Promise.race([action, guard.stopped])
    mark(name)
    return value
  }
  const { origin } = input
  const isClone = origin?.kind === 'clone'
  const qmp = await step('spawn', connectQmp(process.qmp, evidence.qmp))
  if (origin?.kind === 'clone') await step('restore', restoreState(qmp, origin.template.memory !== undefined))
  await step('attach', attachDisks(qmp, input.disks, disks))
  guard.expectConsole()
  await Promise.race([qmp.execute('cont'), guard.stopped])
  const keepEvidence = async (): Promise<string> => {
    const directory = await evidence.keep(input.context.workDirectory, process.stderr())
    await keepOverlays(process.pid, directory)
    return directory
  }
  if (options.stock !== undefined) {
    const { toolHost, tools } = await step(
      'login',
      bootStock({ input, process, stock: options.stock, onBanner: () => mark('boot') }, guard.stopped),
    )
    stack.defer('SSH connection', () => toolHost.close())
    return { process, qmp, toolHost, isClone: false, stockTools: tools, disks, timings, keepEvidence }
  }
  // What was sent before the guest opened its port is stale for it, except this byte, which it waits for; see docs/appliance.md.
  const hasOwnRandomness = !isClone || (await Promise.race([confirmReseed(process.console), guard.stopped]))
  if (isClone) mark(hasOwnRandomness ? 'reseed' : 'seed')
  process.ssh.write(hasOwnRandomness ? goByte : reseedingGo())
  // Not 'data': that would let flow, and be lost, what comes before SSH listens.
  process.ssh.once('readable', () => mark('boot'))
  const toolHost = await step(
    'login',
    connectSshToolHost({
      stream: origin?.kind === 'template' ? portSession(process.ssh) : process.ssh,
      username: 'root',
      privateKey: keys.privateKeyPem,
      hostKey: keys.hostKey,
      loginTimeoutMs: options.bootTimeoutMs,
      defaultTimeoutMs: options.commandTimeoutMs,
      explainLoss: (error) => explainVmError(error, process, options.memoryMb) as Promise<DeployError>,
    }),
  )
  stack.defer('SSH connection', () => toolHost.close())
  return { process, qmp, toolHost, isClone, disks, timings, keepEvidence }
}

/**
 * Starts QEMU and waits until the appliance lets us in. What it acquires is registered with `stack`: releasing that ends QEMU by force.
 * On a failure everything of this VM is released before the call rejects.
 *
 * `IMAGE_*`, `TIMEOUT_BOOT`, `ABORTED`, `DRIVER_QEMU_NOT_STARTED`, `DRIVER_QEMU_EXITED`, `DRIVER_APPLIANCE_PANIC`, `APPLIANCE_OUT_OF_MEMORY`,
 * `DRIVER_VM_SILENT`, `DRIVER_SSH_*`.
 */
export async function startVm(input: VmInput, stack: ResourceStack): Promise<RunningVm> {
  const { context, origin } = input
  const bootKeys = origin?.kind === 'template' ? origin.keys : generateBootKeys()
  const keys = origin?.kind === 'clone' ? origin.template.keys : templateKeys(bootKeys)
  const evidence = createEvidence(context.keepOnFailure === true)
  let guard: ReturnType<typeof bootGuard> | undefined
  const spawned = await spawnVm(input, bootKeys, evidence, () => guard?.heard())
  const { process } = spawned
  const own = createResourceStack()
  own.defer('QEMU', async () => {
    process.kill()
    await process.exited
  })
  try {
    guard = bootGuard(input, process)
    const identity = await identifyProcess(process.pid)
    // QEMU dies with us by itself; the journal is for a kernel that lost the wish. It cannot be written before there is a number.
    if (identity !== undefined) own.defer('lease of QEMU', await context.leases.record({ kind: 'process', details: { ...identity } }))
    const vm = await bootSpawned(input, spawned, keys, evidence, guard, own)
    context.logger.debug('vm.booted', { pid: process.pid, accelerator: input.accelerator, ...vm.timings })
    stack.defer('VM', () => own.release())
    return vm
  } catch (error) {
    const explained = await explainVmError(error, process, context.options.memoryMb)
    if (context.keepOnFailure === true && DeployError.isInstance(explained)) {
      Object.assign(explained.context, { kept: await evidence.keep(context.workDirectory, process.stderr()) })
    }
    throw await own.releaseAfter(explained)
  } finally {
    guard?.dispose()
  }
}
