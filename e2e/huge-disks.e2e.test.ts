import type { DeployReport, ProbeReport } from '@host-deployer/api'
import { execa } from 'execa'
import { beforeAll, describe, expect, test } from 'vitest'
import { checkFileSystems } from './lib/check-file-systems.ts'
import { digestOf } from './lib/digest-of.ts'
import { createPhonyDisk } from './lib/phony-disk.ts'
import { runJson } from './lib/run-command.ts'
import { createWorkspace, type Workspace } from './lib/workspace.ts'

let space: Workspace
beforeAll(async () => {
  space = await createWorkspace('huge')
})

describe('2 TiB with an unfinished journal, in a VM of 256 MB', () => {
  test.each(['ext4', 'xfs', 'btrfs'] as const)('%s: a probe leaves every byte as it was, a deploy does its work once', async (type) => {
    const image = space.path(`${type}.raw`)
    // Such an ext4 has a journal of a gigabyte: what is not there yet need not be zeroed.
    const mkfs = type === 'ext4' ? ['-E', 'lazy_itable_init=1,lazy_journal_init=1'] : []
    await createPhonyDisk(image, { type, sizeBytes: 2 * 2 ** 40, dirty: true, mkfs })
    const before = await digestOf(image)
    const probe = await runJson<ProbeReport>(['probe', image])
    expect(probe.os).toMatchObject({ distro: 'debian', major: 12 })
    expect(await digestOf(image)).toBe(before)
    const report = await runJson<DeployReport>(['deploy', image, '--hostname', 'huge'])
    expect(report.changed).toBe(true)
    expect((await runJson<DeployReport>(['deploy', image, '--hostname', 'huge'])).changed).toBe(false)
    // In emulation it takes a minute to check so much ext4, on this machine seconds.
    if (type === 'ext4') expect(await execa('e2fsck', ['-fn', image], { reject: false })).toMatchObject({ exitCode: 0 })
    if (type === 'xfs') expect(await checkFileSystems(image, 'raw')).toEqual([])
  })
})
