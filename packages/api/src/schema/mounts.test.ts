import { describe, expect, test } from 'vitest'
import { parsed, problemsOf } from '../testing/parse.ts'

const lines = (yaml: string) =>
  parsed(yaml).mounts?.map(({ device, mountpoint, type, options, dump, pass }) => [device, mountpoint, type, options, dump, pass].join(' '))

describe('mounts', () => {
  test.each([
    ['[[UUID=1234-ABCD, /data]]', ['UUID=1234-ABCD /data auto defaults,nofail 0 2']],
    ['[[vdb1, /data, ext4, "noatime,x", "1", 1]]', ['/dev/vdb1 /data ext4 noatime,x 1 1']],
    ['[[nvme0n1p2, /data, null, null, null, "0"]]', ['/dev/nvme0n1p2 /data auto defaults,nofail 0 0']],
    ['[["LABEL=my data", "/srv/my data"]]', ['LABEL=my data /srv/my data auto defaults,nofail 0 2']],
    ['[["192.0.2.1:/export", /data, nfs]]', ['192.0.2.1:/export /data nfs defaults,nofail 0 0']],
    ['[[tmpfs, /tmp, tmpfs, "size=1G"]]', ['tmpfs /tmp tmpfs size=1G 0 0']],
    ['[[UUID=x, none, swap, sw, "0", "0"]]', ['UUID=x  swap sw 0 0']],
    ['[[/dev/vdb, swap, swap]]', ['/dev/vdb  swap sw,nofail 0 0']],
    ['[[swap], [ephemeral0, null]]', []],
    ['[[vdb, /a], [vdc, /b], [vdb]]', ['/dev/vdc /b auto defaults,nofail 0 2']],
    ['[]', []],
  ])('%s', (yaml, expected) => {
    expect(lines(`mounts: ${yaml}`)).toEqual(expected)
  })

  test('an entry for what only a data source knows can be left out', () => {
    const yaml = 'mounts: [[ephemeral0, /mnt], [vdb, /data, ext4, defaults, 0, 2]]'
    expect(parsed(yaml, { ignoreUnsupported: true }).mounts?.map(({ device }) => device)).toEqual(['/dev/vdb'])
  })

  test('mount_default_fields fill in what an entry leaves out, not what swap needs', () => {
    const yaml = 'mounts: [[vdb, /a], [vdc, /b, xfs], [vdd, none, swap]]\nmount_default_fields: [null, null, ext4, defaults, 0, 1]'
    expect(lines(yaml)).toEqual(['/dev/vdb /a ext4 defaults 0 1', '/dev/vdc /b xfs defaults 0 1', '/dev/vdd  swap sw,nofail 0 0'])
  })

  test.each([
    ['mounts: [[vdb, data]]', 'INPUT_PATH_INVALID mounts[0][1] 1'],
    ['mounts: [[vdb, none]]', 'INPUT_PATH_INVALID mounts[0][1] 1'],
    ['mounts: [[vdb, /a/../b]]', 'INPUT_PATH_INVALID mounts[0][1] 1'],
    ['mounts: [[vdb, "/a\\nUUID=x / ext4"]]', 'INPUT_PATH_INVALID mounts[0][1] 1'],
    ['mounts: [["vdb\\n", /a]]', 'INPUT_INVALID mounts[0][0] 1'],
    ['mounts: [[ephemeral0, /mnt]]', 'INPUT_KEY_UNSUPPORTED mounts[0] 1'],
    ['mounts: [[tmpfs, /mnt]]', 'INPUT_INVALID mounts[0][0] 1'],
    ['mounts: [[NAME=x, /mnt]]', 'INPUT_INVALID mounts[0][0] 1'],
    ['mounts: [[vdb, /a, "ext4 x"]]', 'INPUT_INVALID mounts[0][2] 1'],
    ['mounts: [[vdb, /a, ext4, ""]]', 'INPUT_INVALID mounts[0][3] 1'],
    ['mounts: [[vdb, /a, ext4, defaults, x]]', 'INPUT_INVALID mounts[0][4] 1'],
    ['mounts: [[vdb, /a, ext4, defaults, 0, 10]]', 'INPUT_INVALID mounts[0][5] 1'],
    ['mounts: [[vdb, /a, ext4, defaults, 0, 0, 0]]', 'INPUT_INVALID mounts[0] 1'],
    ['mounts: [vdb]', 'INPUT_INVALID mounts[0] 1'],
    ['mount_default_fields: [null, null, "a b"]', 'INPUT_INVALID mount_default_fields[2] 1'],
  ])('%s', (yaml, problem) => {
    expect(problemsOf(yaml)).toEqual([problem])
  })
})
