import { toolPath } from '@host-deployer/driver-api'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mountOptions } from './mountable-filesystem.ts'
import { planMounts } from './plan-mounts.ts'
import type { Filesystem, Storage } from './storage.ts'

const fs = (device: string, type: string, label: string, diskId: string | null = 'disk0'): Filesystem => ({
  device: toolPath(device),
  type,
  label,
  uuid: null,
  partUuid: null,
  partLabel: null,
  sizeBytes: 2 ** 30,
  diskId,
})
const root = fs('/dev/sda2', 'ext4', 'root')
const boot = fs('/dev/sda1', 'ext4', 'boot')
const usr = fs('/dev/sda3', 'btrfs', 'usr')
const sealed = fs('/dev/sda4', 'crypto_LUKS', 'sealed')
const storage: Storage = {
  disks: [],
  physicalVolumes: [],
  volumeGroups: [],
  logicalVolumes: [],
  filesystems: [root, boot, usr, sealed],
  diagnostics: [],
}
const plan = (fstab: string, given = storage) => planMounts(given, root, fstab)
const codes = (fstab: string) => plan(fstab).diagnostics.map(({ severity, code }) => `${severity} ${code}`)

test('parents come before what is in them, in the order of the file otherwise', () => {
  const { mounts } = plan('LABEL=boot /boot/efi ext4\nLABEL=usr /usr btrfs\nLABEL=boot /boot ext4\nLABEL=root / ext4\n')
  expect(mounts.map(({ path }) => path)).toEqual(['/usr', '/boot', '/boot/efi'])
})

test.each([
  ['swap', 'LABEL=boot none swap sw 0 0'],
  ['memory', 'tmpfs /tmp tmpfs'],
  ['a network share', 'server:/x /srv nfs defaults'],
  ['a Windows share', '//server/x /srv cifs'],
  ['another share by its source', 'server:/x /srv something'],
  ['a bind mount', '/srv /home none bind'],
  ['an overlay', 'overlay /home overlay lowerdir=/a'],
  ['a FUSE program', 'x /home fuse.sshfs'],
  ['a loop mount', '/disk.img /home ext4 loop'],
  ['a line that is none', 'LABEL=boot'],
  ['a relative path', 'LABEL=boot boot ext4'],
])('%s is not our business', (_, line) => {
  expect(plan(line)).toEqual({ mounts: [], mountpoints: [{ filesystem: root, path: '/' }], diagnostics: [], missingUsr: null })
})

test('what is not there is told, louder when the guest needs it', () => {
  expect(codes('LABEL=gone /srv ext4 nofail')).toEqual(['info BLOCK_MOUNT_MISSING'])
  expect(codes('LABEL=gone /srv ext4')).toEqual(['warning BLOCK_MOUNT_MISSING'])
  expect(plan('LABEL=gone /usr ext4').missingUsr).toBe('LABEL=gone')
  expect(plan('LABEL=gone /usr ext4 nofail').missingUsr).toBeNull()
  expect(codes('LABEL=boot / ext4')).toEqual(['warning BLOCK_FSTAB_OTHER_ROOT'])
  expect(codes('LABEL=sealed /srv ext4')).toEqual(['info BLOCK_FILESYSTEM_UNSUPPORTED'])
})

test('noauto is remembered and not mounted', () => {
  const { mounts, mountpoints } = plan('LABEL=boot /boot ext4 noauto')
  expect([mounts, mountpoints.map(({ path }) => path)]).toEqual([[], ['/', '/boot']])
})

test('of two clones the one on the root’s disk is meant; two there are none', () => {
  const far = fs('/dev/sdb1', 'ext4', 'boot', 'disk1')
  const given = { ...storage, filesystems: [far, ...storage.filesystems] }
  expect(plan('LABEL=boot /boot ext4', given).mounts.map(({ filesystem }) => filesystem.device)).toEqual(['/dev/sda1'])
  const twice = { ...storage, filesystems: [boot, ...storage.filesystems] }
  expect(plan('LABEL=boot /boot ext4', twice).mounts).toEqual([])
})

test('for a root on a logical volume it is the disk below that decides', () => {
  const volume = fs('/dev/vg/root', 'xfs', 'lv', null)
  const member = fs('/dev/sda5', 'LVM2_member', 'pv')
  const given: Storage = {
    ...storage,
    physicalVolumes: [{ device: member.device, uuid: 'p', volumeGroup: 'vg', deviceSizeBytes: 1, sizeBytes: 1, dataStartBytes: 0 }],
    logicalVolumes: [
      {
        device: volume.device,
        mapperDevice: toolPath('/dev/mapper/vg-root'),
        volumeGroup: 'vg',
        name: 'root',
        uuid: 'l',
        sizeBytes: 1,
        layout: 'linear',
      },
    ],
    filesystems: [fs('/dev/sdb1', 'ext4', 'boot', 'disk1'), boot, member, volume],
  }
  expect(planMounts(given, volume, 'LABEL=boot /boot ext4').mounts.map(({ filesystem }) => filesystem.device)).toEqual(['/dev/sda1'])
})

test('of the guest’s options a subvolume is taken and nothing else', () => {
  const [mount] = plan('LABEL=usr /usr btrfs rw,suid,dev,exec,subvol=/@usr,context=x').mounts
  expect(mount?.subvolume).toBe('@usr')
  expect(mountOptions('btrfs', { ignoreJournal: false, subvolume: mount?.subvolume ?? null })).toBe('ro,nodev,nosuid,noexec,subvol=@usr')
  expect(codes('LABEL=usr /usr btrfs subvol="a,rw"')).toEqual(['warning BLOCK_MOUNT_SKIPPED'])
  expect(() => mountOptions('ntfs', { ignoreJournal: false })).toThrow(TypeError)
})

test('thousands of lines are cut off', () => {
  const many = plan('LABEL=boot /boot ext4\n'.repeat(5000))
  expect([many.mounts.length, many.diagnostics.length]).toEqual([64, 64])
})

test('any fstab has a plan, with absolute paths and known devices', () => {
  const word = fc.oneof(
    fc.constantFrom(
      'LABEL=boot',
      'LABEL=usr',
      '/',
      '/boot',
      '/..',
      '/a/../b',
      'ext4',
      'swap',
      'noauto,nofail',
      'subvol=..',
      '\\040',
      '\\057x',
    ),
    fc.string({ unit: 'binary', maxLength: 8 }),
  )
  const text = fc
    .array(
      fc.array(word, { maxLength: 6 }).map((words) => words.join(' ')),
      { maxLength: 8 },
    )
    .map((lines) => lines.join('\n'))
  fc.assert(
    fc.property(text, (fstab) => {
      for (const { path, filesystem, subvolume } of plan(fstab).mounts) {
        expect(path.startsWith('/')).toBe(true)
        expect(path).not.toBe('/')
        expect([boot, usr, root]).toContain(filesystem)
        expect(mountOptions(filesystem.type, { ignoreJournal: false, subvolume }).split(',').slice(0, 4)).toEqual([
          'ro',
          'nodev',
          'nosuid',
          'noexec',
        ])
      }
    }),
  )
})
