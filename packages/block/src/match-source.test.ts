import { toolPath } from '@host-deployer/driver-api'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { matchSource } from './match-source.ts'
import type { Storage } from './storage.ts'
import { capturedStorage } from './testing/captured.ts'

const gpt = capturedStorage('lsblk-2.41.5-gpt.json', '/dev/loop0')
const mbr = capturedStorage('lsblk-2.41.5-mbr-whole-luks.json', '/dev/loop3', '/dev/loop4')
const lvm: Storage = {
  ...gpt,
  logicalVolumes: [
    {
      device: toolPath('/dev/a-b/c'),
      mapperDevice: toolPath('/dev/mapper/a--b-c'),
      volumeGroup: 'a-b',
      name: 'c',
      uuid: 'u',
      sizeBytes: 1,
      layout: 'linear',
    },
  ],
  filesystems: [
    ...gpt.filesystems,
    {
      device: toolPath('/dev/a-b/c'),
      type: 'xfs',
      label: 'my disk',
      uuid: 'X',
      partUuid: null,
      partLabel: null,
      sizeBytes: 1,
      diskId: null,
    },
  ],
}

test.each([
  [gpt, 'UUID=fd64-132e', ['/dev/loop0p2']],
  [gpt, 'UUID="FD64-132E"', ['/dev/loop0p2']],
  [gpt, 'LABEL=ESP', ['/dev/loop0p2']],
  [gpt, 'LABEL=esp', []],
  [gpt, 'LABEL=', []],
  [gpt, 'PARTUUID=2D6F1F4E-6a3a-4b7b-8a4c-0d9e5b7f6c11', ['/dev/loop0p3']],
  [gpt, 'PARTLABEL=root', ['/dev/loop0p3']],
  [gpt, 'ID=whatever', []],
  [gpt, '/dev/disk/by-partlabel/EFI\\x20System', ['/dev/loop0p2']],
  [gpt, '/dev/disk/by-uuid/FD64-132E', ['/dev/loop0p2']],
  [gpt, '/dev/sda3', ['/dev/loop0p3']],
  [gpt, '/dev/vda3', ['/dev/loop0p3']],
  [gpt, '/dev/nvme0n1p3', ['/dev/loop0p3']],
  [gpt, '/dev/mmcblk0p2', ['/dev/loop0p2']],
  [gpt, '/dev/sdb3', []],
  [gpt, '/dev/sda1', []],
  [gpt, '/dev/loop0p3', []],
  [mbr, '/dev/sda5', ['/dev/loop3p5']],
  [mbr, '/dev/xvdb', ['/dev/loop4']],
  [mbr, 'PARTUUID=8c3d5e11-03', ['/dev/loop3p3']],
  [lvm, '/dev/mapper/a--b-c', ['/dev/a-b/c']],
  [lvm, '/dev/a-b/c', ['/dev/a-b/c']],
  [lvm, '/dev/disk/by-label/my\\x20disk', ['/dev/a-b/c']],
  [lvm, '/dev/mapper/a-b-c', []],
] satisfies [Storage, string, string[]][])('%#: %s', (storage, source, devices) => {
  expect(matchSource(storage, source).map(({ device }) => device)).toEqual(devices)
})

test('clones of each other are both named', () => {
  const clones: Storage = { ...gpt, filesystems: [...gpt.filesystems, ...gpt.filesystems] }
  expect(matchSource(clones, 'LABEL=ESP')).toHaveLength(2)
})

test('any source is answered', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (source) => void matchSource(lvm, source)))
})
