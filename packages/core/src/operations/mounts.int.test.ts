import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createRealDirectory } from '../testing/real-directory.ts'
import { cloudConfig } from '../testing/requests.ts'
import { createTestGuest } from '../testing/test-guest.ts'
import { mounts } from './mounts.ts'

interface Listed {
  readonly filesystems: readonly Readonly<Record<'source' | 'target' | 'fstype' | 'options', string | null>>[]
}

test('findmnt reads what was asked for', async () => {
  const guest = await createTestGuest('debian-12', { operations: [mounts], tree: { '/etc/fstab': { content: '# nothing yet' } } })
  await guest.deploy(
    cloudConfig(`mounts:
- [UUID=0a3407de-014b-458b-b5c1-848e92a327a3, /data, ext4]
- ["LABEL=my data", "/srv/with space\\tand tab", xfs, "noatime,nofail"]
- [LABEL=swap, none, swap]
- [tmpfs, '/back\\040slash', tmpfs, size=10%]`),
  )
  using real = createRealDirectory({ '/fstab': { content: (await guest.read('/etc/fstab')) ?? '' } })
  const columns = ['--output', 'SOURCE,TARGET,FSTYPE,OPTIONS']
  const listed = spawnSync('findmnt', ['--fstab', '--tab-file', join(real.path, 'fstab'), '--json', ...columns], { encoding: 'utf8' })
  expect((JSON.parse(listed.stdout) as Listed).filesystems).toEqual([
    { source: 'UUID=0a3407de-014b-458b-b5c1-848e92a327a3', target: '/data', fstype: 'ext4', options: 'defaults,nofail' },
    { source: 'LABEL=my data', target: '/srv/with space\tand tab', fstype: 'xfs', options: 'noatime,nofail' },
    { source: 'LABEL=swap', target: 'none', fstype: 'swap', options: 'sw,nofail' },
    { source: 'tmpfs', target: '/back\\040slash', fstype: 'tmpfs', options: 'size=10%' },
  ])
})

test('findmnt --verify finds no fault in the lines', async () => {
  // On this machine: mount points and sources have to be there for the tool to be content.
  const guest = await createTestGuest('debian-12', { operations: [mounts], tree: { '/etc/fstab': undefined } })
  await guest.deploy(cloudConfig('mounts: [[tmpfs, /mnt, tmpfs, "nofail,size=1M"], [tmpfs, /media, tmpfs]]'))
  using real = createRealDirectory({ '/fstab': { content: (await guest.read('/etc/fstab')) ?? '' } })
  const verify = (file: string) => spawnSync('findmnt', ['--verify', '--tab-file', file]).status
  expect(verify(join(real.path, 'fstab'))).toBe(0)
  using broken = createRealDirectory({ '/fstab': { content: 'tmpfs /nowhere-at-all tmpfs\n' } })
  expect(verify(join(broken.path, 'fstab'))).not.toBe(0)
})
