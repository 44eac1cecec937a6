import { type ToolPath, toolPath } from '@host-deployer/driver-api'
import { expect, test } from 'vitest'
import { chooseGrowTarget } from './choose-grow-target.ts'
import type { Storage } from './storage.ts'
import { capturedStorage } from './testing/captured.ts'

const blank: Storage = {
  disks: [{ id: 'disk0', device: toolPath('/dev/sda'), sizeBytes: 2 ** 30, readOnly: false, table: null }],
  physicalVolumes: [],
  volumeGroups: [],
  logicalVolumes: [],
  filesystems: [],
  diagnostics: [],
}

const filesystem = (device: string, type: string, label: string | null = null) => ({
  ...{ device: toolPath(device), type, label, uuid: null, partUuid: null, partLabel: null, sizeBytes: 2 ** 30, diskId: 'disk0' },
})

const at = (
  parts: readonly (readonly [number: number, startMiB: number, type: string, holds: string | null])[],
  kind: 'gpt' | 'mbr' = 'gpt',
) => ({
  ...blank,
  disks: blank.disks.map((disk) => ({
    ...disk,
    table: {
      ...{ kind, sectorSizeBytes: 512, id: null },
      partitions: parts.map(([number, startMiB, type]) => ({
        ...{ diskId: disk.id, number, node: toolPath(`/dev/sda${number}`), startBytes: startMiB * 2 ** 20, sizeBytes: 2 ** 20, type },
        ...{ name: null, uuid: null },
      })),
    },
  })),
  filesystems: parts.flatMap(([number, , , holds]) => (holds === null ? [] : [filesystem(`/dev/sda${number}`, holds)])),
})

function choice(storage: Storage, wanted?: string): unknown {
  const target = chooseGrowTarget(storage, wanted)
  if (target.kind === 'device') return target.device
  return target.kind === 'root' ? target.volumes : target.diagnostics.map(({ code }) => code)
}

test('nothing on a disk is nothing to grow, and nothing to say', () => {
  expect(choice(blank)).toEqual([])
  expect(choice(at([]))).toEqual([])
})

test('the last partition by position, however it is numbered', () => {
  expect(
    choice(
      at([
        [1, 128, 'X', 'ext4'],
        [14, 1, 'X', null],
        [15, 4, 'X', 'vfat'],
      ]),
    ),
  ).toBe('/dev/sda1')
  // The extended partition is where the last logical one ends, or behind it.
  expect(
    choice(
      at(
        [
          [1, 1, '83', 'ext4'],
          [2, 9, '5', null],
          [5, 8, '83', 'xfs'],
        ],
        'mbr',
      ),
    ),
  ).toBe('/dev/sda5')
})

test('of a real disk the last partition, as it was captured', () => {
  expect(choice(capturedStorage('lsblk-2.41.5-gpt.json', '/dev/loop0'))).toBe('/dev/loop0p3')
})

test('a file system on the whole disk', () => {
  expect(choice({ ...blank, filesystems: [filesystem('/dev/sda', 'xfs')] })).toBe('/dev/sda')
})

test('swap only when it has the disk for itself', () => {
  expect(choice(at([[1, 1, 'X', 'swap']]))).toBe('/dev/sda1')
  expect(
    choice(
      at([
        [1, 1, 'X', 'ext4'],
        [2, 9, 'X', 'swap'],
      ]),
    ),
  ).toEqual(['GROW_NOT_LAST'])
})

test('swap at the very end of a disk is in the way of nothing', () => {
  expect(
    choice(
      at([
        [1, 1, 'X', 'ext4'],
        [2, 1022, 'X', 'swap'],
      ]),
    ),
  ).toEqual([])
})

const volume = (name: string) => ({
  ...{ device: toolPath(`/dev/vg/${name}`), mapperDevice: toolPath(`/dev/mapper/vg-${name}`), volumeGroup: 'vg', name },
  ...{ uuid: name, sizeBytes: 2 ** 20, layout: 'linear' },
})

function lvm(
  names: readonly string[],
  { missing = 0, group = 'vg' as string | null, device = '/dev/sda' as ToolPath | string } = {},
): Storage {
  const physical = {
    device: toolPath(device),
    uuid: 'p',
    volumeGroup: group,
    deviceSizeBytes: 2 ** 30,
    sizeBytes: 2 ** 20,
    dataStartBytes: 2 ** 20,
  }
  return {
    ...blank,
    physicalVolumes: [physical],
    volumeGroups: [
      { name: 'vg', uuid: 'v', systemId: null, extentSizeBytes: 2 ** 22, freeBytes: 0, missingPhysicalVolumes: missing, active: true },
    ],
    logicalVolumes: names.map(volume),
    filesystems: [filesystem(device, 'LVM2_member'), ...names.map((name) => filesystem(`/dev/vg/${name}`, 'ext4', name))],
  }
}

test('of LVM the only volume, or the one that the root is on', () => {
  expect(choice(lvm(['data']))).toBe('/dev/vg/data')
  expect(choice(lvm(['root', 'swap']))).toEqual(['/dev/vg/root', '/dev/vg/swap'])
})

test('LVM that cannot grow says so', () => {
  expect(choice(lvm([]))).toEqual(['GROW_UNSUPPORTED'])
  expect(choice(lvm(['data'], { missing: 1 }))).toEqual(['GROW_UNSUPPORTED'])
  expect(choice(lvm(['data'], { group: null }))).toEqual(['GROW_UNSUPPORTED'])
})

test('the one that is asked for, if it is one', () => {
  const storage = lvm(['one', 'two'])
  expect([choice(storage, '/dev/vg/two'), choice(storage, 'LABEL=one')]).toEqual(['/dev/vg/two', '/dev/vg/one'])
  expect(() => choice(storage, '/dev/vg/three')).toThrow(expect.objectContaining({ code: 'BLOCK_ROOT_NOT_FOUND' }))
  const twins = { ...storage, filesystems: storage.filesystems.map((found) => ({ ...found, label: 'same' })) }
  expect(() => choice(twins, 'LABEL=same')).toThrow(expect.objectContaining({ code: 'BLOCK_GROW_AMBIGUOUS' }))
})
