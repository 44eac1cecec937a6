import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DeployReport, ErrorReport, ProbeReport } from '@host-deployer/api'
import { hostPath, toolPath } from '@host-deployer/driver-api'
import { createFileLeaseJournal } from '@host-deployer/driver-kit'
import { loadDriver } from '@host-deployer/driver-loader'
import { loadTree } from '@host-deployer/guest-fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { phonyGuestManifest } from '../packages/core/src/testing/phony-guest.ts'
import { checkFileSystems } from './lib/check-file-systems.ts'
import { digestOf } from './lib/digest-of.ts'
import { runCommand } from './lib/run-command.ts'
import { createWorkspace, type Workspace } from './lib/workspace.ts'

let space: Workspace
beforeAll(async () => {
  space = await createWorkspace('nbd')
})

const MiB = 2 ** 20
const layouts = { gpt: 'label: gpt\nsize=16MiB\nsize=400MiB\n', mbr: 'label: dos\nsize=16MiB\nsize=400MiB\n' } as const

/** A raw disk with a small partition and a guest on the second one, made through the driver itself. */
async function createPartitionedDisk(path: string, table: keyof typeof layouts, type: 'ext4' | 'xfs' | 'btrfs'): Promise<void> {
  const file = await open(path, 'wx')
  await file.truncate(640 * MiB)
  await file.close()
  const { driver, options } = await loadDriver('nbd', {
    from: [join(import.meta.dirname, '..', 'apps', 'cli')],
    options: { trustImages: true },
  })
  const directory = await mkdtemp(join(tmpdir(), 'hd-e2e-nbd-session-'))
  {
    await using session = await driver.open(
      { disks: [{ id: 'disk0', chain: [{ path: hostPath(path), format: 'raw' }], access: 'read-write' }] },
      {
        options,
        workDirectory: hostPath(directory),
        cacheDirectory: hostPath(directory),
        logger: { debug() {}, info() {}, warn() {} },
        leases: createFileLeaseJournal(hostPath(join(directory, 'leases'))),
      },
    )
    const { device } = session.disks[0]
    const script = `printf '${layouts[table].replaceAll('\n', '\\n')}' | sfdisk -q ${device}; [ -e ${device}p2 ] || partx --add ${device}
      mkfs.${type} -q ${device}p2 && mkdir /mnt/guest && mount -t ${type} ${device}p2 /mnt/guest`
    const { exitCode, stderr } = await session.toolHost.exec(['sh', '-ec', script], { timeoutMs: 120_000 })
    if (exitCode !== 0) throw new Error(Buffer.from(stderr).toString())
    await loadTree(session.toolHost.fs, toolPath('/mnt/guest'), phonyGuestManifest('debian-12'))
  }
  await rm(directory, { recursive: true })
}

async function json<T>(...args: readonly string[]): Promise<{ readonly exitCode: number | undefined; readonly document: T }> {
  const { exitCode, stdout } = await runCommand(...args, '--driver', 'nbd', '--json')
  return { exitCode, document: JSON.parse(stdout) as T }
}

describe('a whole deploy through nbd', () => {
  test.each([
    ['gpt', 'ext4'],
    ['mbr', 'xfs'],
    ['gpt', 'btrfs'],
  ] as const)('%s, %s', async (table, type) => {
    const image = space.path(`${table}-${type}.raw`)
    await createPartitionedDisk(image, table, type)
    const before = await digestOf(image)
    const refused = await json<ErrorReport>('probe', image)
    expect([refused.exitCode, refused.document.error.code]).toEqual([4, 'DRIVER_IMAGE_NOT_TRUSTED'])
    const probed = await json<ProbeReport>('probe', image, '--trust-image')
    expect(probed.document.os).toMatchObject({ distro: 'debian', major: 12 })
    expect(await digestOf(image)).toBe(before)
    // A mounted ext4 grows with CAP_SYS_RESOURCE, which the root of a container may lack: there is no VM here to have it.
    const grow = type === 'ext4' ? [] : ['--grow']
    const first = await json<DeployReport>('deploy', image, '--trust-image', '--hostname', 'by-nbd', ...grow)
    expect([first.exitCode, first.document.changed]).toEqual([0, true])
    const after = await digestOf(image)
    const second = await json<DeployReport>('deploy', image, '--trust-image', '--hostname', 'by-nbd', ...grow)
    expect([second.exitCode, second.document.changed]).toEqual([0, false])
    expect(await digestOf(image)).toBe(after)
    const { storage } = (await json<ProbeReport>('probe', image, '--trust-image')).document
    expect(storage.filesystems.filter(({ mountpoint }) => mountpoint === '/')).toMatchObject([{ type }])
    const sizeBytes = storage.filesystems.find(({ mountpoint }) => mountpoint === '/')?.sizeBytes ?? 0
    expect(sizeBytes > 600 * MiB).toBe(grow.length > 0)
    if (type === 'ext4') expect(await checkFileSystems(image, 'raw')).toEqual([])
    const { exitCode, stdout } = await runCommand('reclaim', '--json')
    expect([exitCode, JSON.parse(stdout)]).toMatchObject([0, { left: [] }])
  })
})
