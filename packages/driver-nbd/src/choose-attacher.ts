import { access, readFile } from 'node:fs/promises'
import { type Diagnostic, DriverError } from '@host-deployer/driver-api'
import { createLocalToolHost, findProgram } from '@host-deployer/driver-kit'
import type { NbdOptions } from './options.ts'

export type Attacher = 'kernel' | 'fuse'

/** Whether the kernel's nbd can be used, or why not. */
export interface KernelNbd {
  readonly usable: boolean
  readonly detail: string
  /** What would change it; only of what is not usable. */
  readonly remedy?: string
  readonly debianPackage?: string
}

const MODULE = '/sys/module/nbd'
const PARTITIONS = 16
const CAP_SYS_MODULE = 1n << 16n
const LOAD = `modprobe nbd max_part=${PARTITIONS}`

const isLoaded = (): Promise<boolean> =>
  access(MODULE).then(
    () => true,
    () => false,
  )

async function tryModprobe(...words: string[]): Promise<boolean> {
  try {
    return (await createLocalToolHost().exec(['modprobe', ...words], { timeoutMs: 30_000 })).exitCode === 0
  } catch {
    return false
  }
}

async function loadedModule(): Promise<KernelNbd> {
  const maxPartitions = Number(await readFile(`${MODULE}/parameters/max_part`, 'utf8').catch(() => '0'))
  if (maxPartitions > 0) return { usable: true, detail: `loaded, up to ${maxPartitions} partitions a device` }
  return { usable: false, detail: 'loaded with max_part=0: partitions have no device nodes', remedy: `modprobe -r nbd; ${LOAD}` }
}

/** Says nothing about whether it may be loaded. */
const hasModule = (): Promise<boolean> => tryModprobe('--dry-run', 'nbd')

/** capabilities(7): a service with ProtectKernelModules and most containers lack CAP_SYS_MODULE; a machine may have locked the door for all. */
async function mayLoadModules(): Promise<boolean> {
  const [, effective = '0'] = /^CapEff:\s*([0-9a-f]+)$/m.exec(await readFile('/proc/self/status', 'utf8')) ?? []
  const locked = await readFile('/proc/sys/kernel/modules_disabled', 'utf8').catch(() => '0')
  return (BigInt(`0x${effective}`) & CAP_SYS_MODULE) !== 0n && locked.trim() === '0'
}

/** Why a module that is not loaded stays so. */
async function unloaded(): Promise<KernelNbd> {
  if ((await findProgram('modprobe')) !== undefined) {
    if (await hasModule())
      return { usable: false, detail: 'the nbd module is there, and cannot be loaded from here', remedy: `on the host: ${LOAD}` }
    return { usable: false, detail: 'this kernel has no nbd module', remedy: LOAD }
  }
  const remedy = `apt-get install kmod, or on the host of a container: ${LOAD}`
  return { usable: false, detail: 'the nbd module is not loaded, and there is no modprobe to do it', remedy, debianPackage: 'kmod' }
}

/** Looks, changes nothing. */
export async function findKernelNbd(): Promise<KernelNbd> {
  if (await isLoaded()) return loadedModule()
  const loadable = (await mayLoadModules()) && (await hasModule())
  return loadable ? { usable: true, detail: 'not loaded yet, and can be' } : unloaded()
}

async function bringKernelNbd(): Promise<KernelNbd> {
  if (!(await isLoaded())) await tryModprobe('nbd', `max_part=${PARTITIONS}`)
  return (await isLoaded()) ? loadedModule() : unloaded()
}

/** Loads the module where it is wanted and not there. `DRIVER_NBD_MODULE` when `kernel` was asked for by name and does not work. */
export async function chooseAttacher({
  attach,
}: NbdOptions): Promise<{ readonly attacher: Attacher; readonly diagnostics: readonly Diagnostic[] }> {
  if (attach === 'fuse') return { attacher: 'fuse', diagnostics: [] }
  const { usable, detail, remedy = LOAD } = await bringKernelNbd()
  if (usable) return { attacher: 'kernel', diagnostics: [] }
  if (attach === 'kernel') {
    throw new DriverError('DRIVER_NBD_MODULE', `The kernel's nbd cannot be used: ${detail}`, {
      hint: `Load it (${remedy}), take the driver option attach: fuse, or --driver qemu-initramfs.`,
      context: { detail },
    })
  }
  const summary = "Disks are attached through nbdfuse, since the kernel's nbd cannot be used"
  return { attacher: 'fuse', diagnostics: [{ severity: 'info', code: 'NBD_FUSE_USED', summary, detail }] }
}
