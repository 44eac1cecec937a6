import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type DriverSession, hostPath, toolPath } from '@host-deployer/driver-api'
import { loadTree, type TreeManifest } from '@host-deployer/guest-fs'
import { execa } from 'execa'
import { phonyGuestManifest } from '../../packages/core/src/testing/phony-guest.ts'
import { openTestDriver } from './appliance.ts'
import { applianceDirectory } from './appliance-directory.ts'
import { cached, digest } from './cache.ts'

type Run = (...argv: [string, ...string[]]) => Promise<string>

export interface PhonyDiskOptions {
  readonly sizeBytes: number
  readonly type: 'ext4' | 'xfs' | 'btrfs'
  /**
   * `whole`: the file system is on the disk itself. `gpt`: on the second of two partitions. `lvm`: on a logical volume `root` of the volume group `vg0`,
   * the whole disk its PV.
   */
  readonly layout?: 'whole' | 'gpt' | 'lvm'
  /** Further options of `mkfs`. */
  readonly mkfs?: readonly string[]
  /** Leave the file system as a power cut would: mounted, its journal unfinished. */
  readonly dirty?: boolean
  /** Which phony guest. Default `debian-12`. */
  readonly guest?: string
  /** Added to the guest, paths as the guest sees them. */
  readonly tree?: TreeManifest
  /** More that has to be done to the mounted guest, `/mnt`. */
  readonly prepare?: (run: Run) => Promise<void>
}

/**
 * A raw, sparse disk with a guest that is real enough to be recognised and deployed, and takes seconds to make, or no time when it is in the cache. It does
 * not boot. Disks made with the same options have the same UUIDs.
 */
export async function createPhonyDisk(path: string, options: PhonyDiskOptions): Promise<void> {
  if (options.prepare !== undefined) return makePhonyDisk(path, options)
  const recipe = await readFile(import.meta.filename)
  const appliance = await readFile(join(applianceDirectory(), 'manifest.json')).catch(() => '')
  const key = digest(JSON.stringify([options, treeOf(options)]), recipe, appliance)
  const directory = await cached('phony-disks', key, ['disk.raw'], (into) => makePhonyDisk(join(into, 'disk.raw'), options))
  await execa('cp', ['--sparse=always', '--no-clobber', join(directory, 'disk.raw'), path])
}

const treeOf = ({ guest = 'debian-12', tree }: PhonyDiskOptions): TreeManifest => ({ ...phonyGuestManifest(guest), ...tree })

async function makePhonyDisk(path: string, options: PhonyDiskOptions): Promise<void> {
  const file = await open(path, 'wx')
  await file.truncate(options.sizeBytes)
  await file.close()
  await onDisk(path, async (session, run) => {
    const device = await layOut(session.disks[0].device, options.layout ?? 'whole', run)
    await run(`mkfs.${options.type}`, '-q', ...(options.mkfs ?? []), device)
    await run('mount', '-t', options.type, device, '/mnt')
    await loadTree(session.toolHost.fs, toolPath('/mnt'), treeOf(options))
    await options.prepare?.(run)
    await run('sync')
    if (options.dirty) {
      // Something for the journal to hold: the sync above is not the last word.
      await run('touch', '/mnt/etc/unfinished')
      await run('sync', '-f', '/mnt')
      return
    }
    await run('umount', '/mnt')
    if (options.layout === 'lvm') await run('vgchange', '-an')
  })
}

/** Returns the device that the file system comes on. */
async function layOut(disk: string, layout: 'whole' | 'gpt' | 'lvm', run: Run): Promise<string> {
  if (layout === 'gpt') {
    await run('sh', '-ec', 'printf "label: gpt\\nsize=16MiB\\ntype=L\\n" | sfdisk -q "$1"', 'sh', disk)
    return `${disk}2`
  }
  if (layout === 'lvm') {
    await run('pvcreate', '-q', disk)
    await run('vgcreate', '-q', 'vg0', disk)
    await run('lvcreate', '-q', '-y', '-l', '100%FREE', '-n', 'root', 'vg0')
    return '/dev/vg0/root'
  }
  return disk
}

/** Opens a raw image writable in a session of its own; `/mnt` exists. What `work` leaves mounted is lost as in a power cut. */
export async function onDisk<T>(path: string, work: (session: DriverSession, run: Run) => Promise<T>): Promise<T> {
  const { driver, context } = await openTestDriver()
  await using session = await driver.open(
    { disks: [{ id: 'disk0', chain: [{ path: hostPath(path), format: 'raw' }], access: 'read-write' }] },
    context,
  )
  const run = async (...argv: [string, ...string[]]) => {
    const { exitCode, stdout, stderr } = await session.toolHost.exec(argv, { timeoutMs: 300_000 })
    if (exitCode !== 0) throw new Error(`${argv.join(' ')} ended with ${exitCode}: ${Buffer.from(stderr).toString()}`)
    return Buffer.from(stdout).toString()
  }
  await run('mkdir', '-p', '/mnt')
  return await work(session, run)
}
