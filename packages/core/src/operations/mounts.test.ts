import { describe, expect, test } from 'vitest'
import { cloudConfig } from '../testing/requests.ts'
import { createTestGuest } from '../testing/test-guest.ts'
import { mounts } from './mounts.ts'

const original = `# comments stay
UUID=AAAA-1111 / ext4 errors=remount-ro 0 1
UUID=bbbb-2222\t/srv/with\\040space  xfs\tnoatime 0 2
odd line
/dev/disk/by-uuid/cccc-3333 none swap sw 0 0`

const guestWith = (fstab: string | undefined) =>
  createTestGuest('debian-12', { operations: [mounts], tree: { '/etc/fstab': fstab === undefined ? undefined : { content: fstab } } })

describe('mounts', () => {
  test.each([
    ['a device and a mount point', '[UUID=dddd, /data, ext4]', 'UUID=dddd /data ext4 defaults,nofail 0 2'],
    ['a mount point with a space', '["LABEL=a b", "/data/x y"]', 'LABEL=a\\040b /data/x\\040y auto defaults,nofail 0 2'],
    ['swap', '[UUID=eeee, none, swap]', 'UUID=eeee none swap sw,nofail 0 0'],
    ['another subvolume', '[UUID=aaaa-1111, /data, btrfs, subvol=@data]', 'UUID=aaaa-1111 /data btrfs subvol=@data 0 2'],
  ])('%s is added, all other bytes stay', async (_, entry, line) => {
    const guest = await guestWith(original)
    const { reports } = await guest.deploy(cloudConfig(`mounts: [${entry}]`))
    expect(await guest.read('/etc/fstab')).toBe(`${original}\n${line}\n`)
    expect(reports).toMatchObject([{ id: 'mounts', outcome: 'changed', diagnostics: [] }])
    const again = await guest.stage(cloudConfig(`mounts: [${entry}]`))
    expect(again).toMatchObject({ diff: [], reports: [{ outcome: 'unchanged', diagnostics: [] }] })
  })

  test.each([
    ['a device that is listed in other letters', '[UUID=aaaa-1111, /data]'],
    ['a device that is listed by its link', '[UUID=CCCC-3333, /data]'],
    ['a mount point that is listed', '[LABEL=x, "/srv/with space/"]'],
    ['the root', '[LABEL=x, /]'],
  ])('%s is left as it is', async (_, entry) => {
    const guest = await guestWith(original)
    const { diff, reports } = await guest.stage(cloudConfig(`mounts: [${entry}]`))
    expect(diff).toEqual([])
    expect(reports).toMatchObject([{ outcome: 'unchanged', diagnostics: [{ code: 'MOUNT_LISTED', severity: 'info' }] }])
  })

  test('two of the request for one mount point: the first one', async () => {
    const guest = await guestWith('')
    await guest.deploy(cloudConfig('mounts: [[vdb, /data], [vdc, /data], [tmpfs, /a, tmpfs], [tmpfs, /b, tmpfs]]'))
    expect((await guest.read('/etc/fstab'))?.split('\n').map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      '/dev/vdb /data',
      'tmpfs /a',
      'tmpfs /b',
      '',
    ])
  })

  test('a guest without the file gets one', async () => {
    const guest = await guestWith(undefined)
    await guest.deploy(cloudConfig('mounts: [[vdb, /data/deep, ext4]]'))
    expect(await guest.read('/etc/fstab')).toMatch(/^#.*\n\/dev\/vdb \/data\/deep ext4 defaults,nofail 0 2\n$/s)
    expect(await guest.access('/etc/fstab')).toBe('0644 0:0')
    expect(await guest.access('/data/deep')).toBe('0755 0:0')
  })

  test('a mount point that exists keeps its mode, a file in its place is an error', async () => {
    const tree = { '/secret': { directory: true, mode: 0o700, uid: 5 }, '/file': { content: '' } } as const
    const guest = await createTestGuest('debian-12', { operations: [mounts], tree })
    await guest.deploy(cloudConfig('mounts: [[vdb, /secret]]'))
    expect(await guest.access('/secret')).toBe('0700 5:0')
    await expect(guest.stage(cloudConfig('mounts: [[vdc, /file]]'))).rejects.toMatchObject({ code: 'FS_NOT_A_DIRECTORY' })
  })
})
