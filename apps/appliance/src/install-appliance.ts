import { copyFile, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DriverError } from '@host-deployer/driver-api'
import { type Appliance, readAppliance } from '@host-deployer/driver-qemu-initramfs/appliance'
import { runHostTool } from './host-tool.ts'
import { replaceDirectory } from './replace-directory.ts'

/** The files of an appliance, at the top of the archive or in one directory in it. */
const memberNames = ['kernel', 'initramfs', 'manifest.json'] as const

async function unpack(archive: string, directory: string): Promise<string> {
  const listing = Buffer.from(await runHostTool(['tar', '--list', '--file', archive])).toString()
  const members = listing.split('\n').filter((member) => memberNames.some((name) => member === name || member.endsWith(`/${name}`)))
  const folders = new Set(members.map((member) => member.slice(0, member.lastIndexOf('/') + 1)))
  const [folder] = folders
  if (folder === undefined || folders.size > 1 || members.length !== memberNames.length) {
    throw new DriverError('APPLIANCE_DAMAGED', `${archive} does not hold exactly one appliance (kernel, initramfs, manifest.json)`, {
      context: { archive },
    })
  }
  // Only these three, flat and as plain files: what else an archive may hold is of no interest.
  await runHostTool([
    ...(['tar', '--extract', '--file', archive, '--directory', directory, '--no-same-owner', '--no-same-permissions'] as const),
    ...[`--strip-components=${folder.split('/').filter((part) => part !== '').length}`, '--', ...members],
  ])
  return directory
}

/**
 * Puts an appliance from a directory or a tar archive (plain, or compressed with gzip, zstd or xz) in `destination`, after checking API version
 * and checksums. What was there is replaced in one step; when anything is wrong it stays as it was.
 *
 * `APPLIANCE_MISSING` (nothing at `source`), `APPLIANCE_INCOMPATIBLE`, `APPLIANCE_DAMAGED`.
 */
export async function installAppliance(source: string, destination: string): Promise<Appliance> {
  const from = resolve(source)
  const stats = await stat(from).catch(() => undefined)
  if (stats === undefined) {
    throw new DriverError('APPLIANCE_MISSING', `There is nothing at ${from}`, { hint: 'Name an appliance directory or archive.' })
  }
  const scratch = await mkdtemp(join(tmpdir(), 'host-deployer-appliance-'))
  try {
    const directory = stats.isDirectory()
      ? from
      : await unpack(from, scratch).catch((error: unknown) => Promise.reject(asDamaged(from, error)))
    await readAppliance(directory, { verify: true })
    await replaceDirectory(resolve(destination), async (aside) => {
      for (const name of memberNames) await copyFile(join(directory, name), join(aside, name))
      // Once more: the source may be on its way to change.
      await readAppliance(aside, { verify: true })
    })
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
  return readAppliance(destination)
}

function asDamaged(archive: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'EXEC_FAILED') return error
  return new DriverError('APPLIANCE_DAMAGED', `${archive} cannot be unpacked`, { cause: error, context: { archive } })
}

/**
 * What the appliance in a directory says about itself, its checksums verified. Changes nothing.
 * `APPLIANCE_MISSING`, `APPLIANCE_INCOMPATIBLE`, `APPLIANCE_DAMAGED`.
 */
export function applianceInfo(directory: string): Promise<Appliance> {
  return readAppliance(directory, { verify: true })
}
