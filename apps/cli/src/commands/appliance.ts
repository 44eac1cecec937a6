import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Appliance } from '@host-deployer/appliance'
import pc from 'picocolors'
import { directories } from '../directories.ts'

interface ApplianceFlags {
  readonly appliance?: string
  readonly json?: boolean
}

interface BuildFlags extends ApplianceFlags {
  /** Take what the mirrors have today, instead of the packages that were resolved before. */
  readonly refresh?: boolean
}

export async function applianceBuildCommand(flags: BuildFlags): Promise<void> {
  const { buildAppliance } = await import('@host-deployer/appliance')
  const onStep = (step: string) => void process.stderr.write(`${pc.dim('…')} ${step}\n`)
  const { cache } = directories(process.env)
  const refresh = flags.refresh === true
  show(await buildAppliance({ outDirectory: directoryOf(flags), cacheDirectory: cache, refresh, onStep }), flags, 'built')
}

export async function applianceInfoCommand(flags: ApplianceFlags): Promise<void> {
  const { applianceInfo } = await import('@host-deployer/appliance')
  show(await applianceInfo(presentDirectory(flags)), flags, 'installed')
}

export async function applianceInstallCommand(source: string, flags: ApplianceFlags): Promise<void> {
  const { installAppliance } = await import('@host-deployer/appliance')
  show(await installAppliance(resolve(source), directoryOf(flags)), flags, 'installed')
}

function directoryOf({ appliance }: ApplianceFlags): string {
  return appliance === undefined ? join(directories(process.env).cache, 'appliance', 'amd64') : resolve(appliance)
}

/** As the driver looks for it: what was built or installed, or else what came with this program's own Node.js. */
function presentDirectory(flags: ApplianceFlags): string {
  const directory = directoryOf(flags)
  const shipped = join(dirname(process.execPath), '..', 'appliance')
  return flags.appliance === undefined && !existsSync(directory) && existsSync(join(shipped, 'manifest.json')) ? shipped : directory
}

function show({ directory, manifest }: Appliance, { json }: ApplianceFlags, verb: string): void {
  if (json) {
    process.stdout.write(`${JSON.stringify({ schemaVersion: 1, directory, ...manifest }, null, 2)}\n`)
    return
  }
  const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`
  process.stdout.write(
    `${pc.green(verb)}: appliance ${pc.bold(manifest.id.slice(0, 12))} in ${directory}\n` +
      `  API version ${manifest.apiVersion}, ${manifest.architecture}, Linux ${manifest.kernelVersion}\n` +
      `  kernel ${mib(manifest.kernel.sizeBytes)}, initramfs ${mib(manifest.initramfs.sizeBytes)}, ${manifest.packages.length} packages\n`,
  )
}
