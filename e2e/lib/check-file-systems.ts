import type { DriverSession } from '@host-deployer/driver-api'
import { inspectImage } from '@host-deployer/image'
import { openTestDriver } from './appliance.ts'

/** Checks every ext4, xfs, btrfs and vfat of an image with its own checker, changing nothing of it. Returns what they complained about. See {@link checkDisks}. */
export async function checkFileSystems(
  image: string,
  format: 'qcow2' | 'raw',
  options: { readonly recover?: boolean } = {},
): Promise<string[]> {
  const { driver, context } = await openTestDriver()
  const { chain } = await inspectImage(image, { format, allowPaths: ['/'] })
  await using session = await driver.open({ disks: [{ id: 'checked', chain, access: 'scratch' }] }, context)
  return await checkDisks(session, options)
}

/**
 * The same for all disks of an open session; nothing of them may be mounted. `recover` lets the kernel finish the journals first, as the next mount
 * would: the checkers do not when they may change nothing, and call what is only in the journal damage.
 */
export async function checkDisks({ toolHost: { exec } }: DriverSession, { recover = false } = {}): Promise<string[]> {
  await exec(['vgchange', '-ay'])
  await exec(['vgmknodes'])
  const listed = await exec(['blkid', '-o', 'export'])
  const complaints: string[] = []
  for (const block of Buffer.from(listed.stdout).toString().split('\n\n')) {
    const device = /^DEVNAME=(.*)$/m.exec(block)?.[1]
    const type = /^TYPE=(.*)$/m.exec(block)?.[1]
    const argv = device === undefined ? undefined : checker(device, type)
    if (device === undefined || argv === undefined) continue
    if (recover && (type === 'ext4' || type === 'xfs')) {
      await exec(['mkdir', '-p', '/run/recover'])
      await exec(['mount', '-t', type, device, '/run/recover'])
      await exec(['umount', '/run/recover'])
    }
    const { exitCode, stdout, stderr } = await exec(argv, { timeoutMs: 300_000 })
    if (exitCode !== 0) complaints.push(`${argv.join(' ')} ended with ${exitCode}: ${Buffer.from(stdout)}${Buffer.from(stderr)}`)
  }
  return complaints
}

function checker(device: string, type: string | undefined): readonly [string, ...string[]] | undefined {
  if (type === 'ext4') return ['e2fsck', '-fn', device]
  if (type === 'xfs') return ['xfs_repair', '-n', device]
  if (type === 'btrfs') return ['btrfs', 'check', '--readonly', device]
  if (type === 'vfat') return ['fsck.fat', '-n', device]
  return undefined
}
