import type { DeployReport } from '@host-deployer/api'
import { beforeAll, describe, expect, test } from 'vitest'
import { checkFileSystems } from './lib/check-file-systems.ts'
import { createPhonyDisk, onDisk } from './lib/phony-disk.ts'
import { runJson } from './lib/run-command.ts'
import { createWorkspace, type Workspace } from './lib/workspace.ts'

let space: Workspace
beforeAll(async () => {
  space = await createWorkspace('odd')
})

const MiB = 2 ** 20

describe('links of the guest that point outside', () => {
  const request = ['--user-data'] as const

  test('absolute links, links above the root, loops: what is written lands where the guest itself would put it', async () => {
    const image = space.path('links.raw')
    await createPhonyDisk(image, {
      type: 'ext4',
      sizeBytes: 256 * MiB,
      prepare: async (run) => {
        await run('mv', '/mnt/etc/shadow', '/mnt/real-shadow')
        await run('ln', '-s', '../../../../real-shadow', '/mnt/etc/shadow')
        await run('mkdir', '-p', '/mnt/srv/inside')
        await run('ln', '-s', '/srv/inside', '/mnt/etc/absolute')
        await run('ln', '-s', '../../../../../../srv', '/mnt/etc/above')
        await run('ln', '-s', 'loop', '/mnt/etc/loop')
      },
    })
    const userData = await space.write(
      'links.yaml',
      '#cloud-config\nchpasswd: { expire: false, users: [{ name: root, type: text, password: secret }] }\nwrite_files:\n  - { path: /etc/absolute/one, content: one }\n  - { path: /etc/above/two, content: two }\n',
    )
    const report = await runJson<DeployReport>(['deploy', image, ...request, userData])
    expect(report.diff.map(({ path }) => path)).toEqual(expect.arrayContaining(['/real-shadow', '/srv/inside/one', '/srv/two']))
    expect(report.diff.map(({ path }) => path)).not.toContain('/etc/shadow')
    const looping = await space.write('loop.yaml', '#cloud-config\nwrite_files:\n  - { path: /etc/loop/x, content: x }\n')
    const { error } = await runJson<{ error: { code: string } }>(['deploy', image, ...request, looping], 6)
    expect(error.code).toBe('FS_SYMLINK_LOOP')
    await onDisk(image, async (session, run) => {
      await run('mount', '-t', 'ext4', '-o', 'ro', session.disks[0].device, '/mnt')
      expect(await run('readlink', '/mnt/etc/shadow')).toBe('../../../../real-shadow\n')
      expect(await run('cat', '/mnt/real-shadow')).toMatch(/^root:\$6\$/)
    })
  })

  test('/etc is a link to /: the guest is its own root, nothing else is touched', async () => {
    const image = space.path('etc.raw')
    await createPhonyDisk(image, {
      type: 'ext4',
      sizeBytes: 256 * MiB,
      prepare: async (run) => {
        await run(
          'sh',
          '-c',
          'cd /mnt/etc && for name in * .[!.]*; do [ -e "$name" ] && [ ! -e "/mnt/$name" ] && mv "$name" /mnt/; done; cd / && rm -rf /mnt/etc && ln -s / /mnt/etc',
        )
      },
    })
    const report = await runJson<DeployReport>(['deploy', image, '--hostname', 'rooted'])
    expect(report.diff.map(({ path }) => path)).toContain('/hostname')
    expect(await checkFileSystems(image, 'raw')).toEqual([])
  })
})
