import { existsSync } from 'node:fs'
import { access, mkdtemp, realpath, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type DriverContext, DriverError } from '@host-deployer/driver-api'
import { findProgram, type ResourceStack } from '@host-deployer/driver-kit'
import { type Appliance, readAppliance } from './appliance-manifest.ts'
import type { QemuInitramfsOptions } from './options.ts'
import { describeStock } from './stock-appliance.ts'

/** As Debian names it. Other architectures follow with their appliance. */
const ARCHITECTURE = 'amd64'

/** Where the appliance is by the options, or by default: in the cache directory, where somebody put one, or else the one we came with. */
export function applianceDirectory({ options, cacheDirectory }: DriverContext<QemuInitramfsOptions>): string {
  const cached = join(cacheDirectory, 'appliance', ARCHITECTURE)
  return options.appliance ?? (existsSync(cached) ? undefined : shippedAppliance()) ?? cached
}

/** The appliance of the Debian package and of the container image, which bring a Node.js of their own: it lies beside that one's `bin`. */
export function shippedAppliance(): string | undefined {
  const directory = join(dirname(process.execPath), '..', 'appliance')
  return existsSync(join(directory, 'manifest.json')) ? directory : undefined
}

/** The appliance, checked against the options. `APPLIANCE_MISSING`, `APPLIANCE_DAMAGED`, `APPLIANCE_INCOMPATIBLE`, `DRIVER_STOCK_FILE`. */
export async function findAppliance(context: DriverContext<QemuInitramfsOptions>): Promise<Appliance> {
  const { stock } = context.options
  return stock === undefined ? readAppliance(applianceDirectory(context)) : describeStock(stock)
}

/** What of this machine a VM is started with. */
export interface Programs {
  /** Absolute path. */
  readonly qemu: string
  /** Absolute path. */
  readonly setpriv: string
  /** QEMU's minimal firmware is installed with it: half a second faster than SeaBIOS in emulation. */
  readonly hasQboot: boolean
}

async function hasQboot(qemu: string): Promise<boolean> {
  return access(join(dirname(await realpath(qemu)), '..', 'share', 'qemu', 'qboot.rom')).then(
    () => true,
    () => false,
  )
}

/** Finds the programs. `DRIVER_QEMU_MISSING`, `DRIVER_SETPRIV_MISSING`. */
export async function findPrograms(options: QemuInitramfsOptions): Promise<Programs> {
  const [qemu, setpriv] = await Promise.all([findProgram(options.qemu), findProgram('setpriv')])
  if (qemu === undefined) {
    throw new DriverError('DRIVER_QEMU_MISSING', `There is no ${options.qemu} on this machine`, {
      hint: 'Install QEMU (on Debian: apt-get install qemu-system-x86), or name its program with the driver option qemu.',
    })
  }
  if (setpriv === undefined) {
    const hint = 'Install util-linux.'
    throw new DriverError('DRIVER_SETPRIV_MISSING', 'There is no setpriv on this machine', { hint })
  }
  return { qemu, setpriv, hasQboot: await hasQboot(qemu) }
}

/** A private directory for one session, in the journal before it exists. */
export async function createSessionDirectory(context: DriverContext<unknown>, stack: ResourceStack): Promise<string> {
  const path = await mkdtemp(join(context.workDirectory, 'session-'))
  stack.defer(path, () => rm(path, { recursive: true, force: true }))
  stack.defer(`lease of ${path}`, await context.leases.record({ kind: 'directory', details: { path } }))
  return path
}
