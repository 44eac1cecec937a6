import { type ToolPath, toolPath } from '@host-deployer/driver-api'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { growBelow } from './plan-grow.ts'
import type { Partition, Storage } from './storage.ts'

const mebibyte = 2 ** 20
const gibibyte = 2 ** 30
const node = (number: number): ToolPath => toolPath(`/dev/sda${number}`)

const partition = (number: number, startMiB: number, sizeMiB: number): Partition => ({
  diskId: 'disk0',
  number,
  node: node(number),
  startBytes: startMiB * mebibyte,
  sizeBytes: sizeMiB * mebibyte,
  type: '83',
  name: null,
  uuid: null,
})

function disk(kind: 'gpt' | 'mbr', sizeBytes: number, partitions: readonly Partition[]): Storage {
  const table = { kind, sectorSizeBytes: 512, id: null, partitions }
  return {
    disks: [{ id: 'disk0', device: toolPath('/dev/sda'), sizeBytes, readOnly: false, table }],
    physicalVolumes: [],
    volumeGroups: [],
    logicalVolumes: [],
    filesystems: [],
    diagnostics: [],
  }
}

const codes = (storage: Storage, device: ToolPath) => growBelow(storage, device).diagnostics.map(({ code }) => code)

test('a partition grows to the last whole mebibyte before the backup table', () => {
  const { steps, diagnostics } = growBelow(disk('gpt', 10 * gibibyte, [partition(1, 1, 1000)]), node(1))
  expect(diagnostics).toEqual([])
  expect(steps).toEqual([
    {
      kind: 'partition',
      disk: '/dev/sda',
      node: node(1),
      table: 'gpt',
      number: 1,
      sectorSizeBytes: 512,
      startBytes: mebibyte,
      fromBytes: 1000 * mebibyte,
      toBytes: 10 * gibibyte - 2 * mebibyte,
    },
  ])
})

test('the order on the disk counts, not the numbers', () => {
  // As Debian's cloud images: the root is number 1 and lies behind 14 and 15.
  const cloud = disk('gpt', 10 * gibibyte, [partition(1, 128, 1000), partition(14, 1, 3), partition(15, 4, 124)])
  expect(growBelow(cloud, node(1)).steps).toHaveLength(1)
  const blocked = disk('gpt', 10 * gibibyte, [partition(1, 1, 1000), partition(2, 1001, 500)])
  expect([growBelow(blocked, node(1)).steps, codes(blocked, node(1))]).toEqual([[], ['GROW_NOT_LAST']])
})

test('with nothing to have, nothing is said', () => {
  const full = disk('gpt', 1002 * mebibyte, [partition(1, 1, 500), partition(2, 501, 500)])
  expect(growBelow(full, node(1))).toEqual({ steps: [], diagnostics: [] })
  expect(growBelow(full, node(2))).toEqual({ steps: [], diagnostics: [] })
})

test('an MBR has logical partitions, which grow with the extended one around them, and an end', () => {
  const extended = { ...partition(2, 2, 500), type: '5', sizeBytes: 1024 }
  const logical = disk('mbr', 10 * gibibyte, [partition(1, 1, 1), extended, partition(5, 3, 400)])
  expect(growBelow(logical, node(5)).steps).toMatchObject([
    { number: 2, extended: true, startBytes: 2 * mebibyte, toBytes: 10 * gibibyte - 2 * mebibyte },
    { number: 5, startBytes: 3 * mebibyte, toBytes: 10 * gibibyte - 3 * mebibyte },
  ])
  const orphan = disk('mbr', 10 * gibibyte, [partition(1, 1, 1), partition(5, 3, 400)])
  expect([growBelow(orphan, node(5)).steps, codes(orphan, node(5))]).toEqual([[], ['GROW_UNSUPPORTED']])
  const huge = disk('mbr', 4 * 2 ** 40, [partition(1, 1, 1000)])
  expect(growBelow(huge, node(1)).steps).toMatchObject([{ toBytes: 2 * 2 ** 40 - mebibyte }])
  expect(codes(huge, node(1))).toEqual(['GROW_MBR_LIMIT'])
})

test('a file system on the whole disk has nothing below', () => {
  expect(growBelow(disk('gpt', gibibyte, []), toolPath('/dev/sda'))).toEqual({ steps: [], diagnostics: [] })
})

function withVolume(storage: Storage, { freeMiB = 0, layout = 'linear', pvMiB = 996 }): Storage {
  const device = toolPath('/dev/vg/root')
  return {
    ...storage,
    physicalVolumes: [
      {
        device: node(1),
        uuid: 'p',
        volumeGroup: 'vg',
        deviceSizeBytes: 1000 * mebibyte,
        sizeBytes: pvMiB * mebibyte,
        dataStartBytes: mebibyte,
      },
    ],
    volumeGroups: [
      {
        name: 'vg',
        uuid: 'v',
        systemId: null,
        extentSizeBytes: 4 * mebibyte,
        freeBytes: freeMiB * mebibyte,
        missingPhysicalVolumes: 0,
        active: true,
      },
    ],
    logicalVolumes: [
      { device, mapperDevice: toolPath('/dev/mapper/vg-root'), volumeGroup: 'vg', name: 'root', uuid: 'l', sizeBytes: gibibyte, layout },
    ],
  }
}
const kinds = (storage: Storage) => growBelow(storage, toolPath('/dev/vg/root')).steps.map(({ kind }) => kind)

test('LVM grows from the partition up, and only by what there is', () => {
  const big = disk('gpt', 10 * gibibyte, [partition(1, 1, 1000)])
  const full = disk('gpt', 1002 * mebibyte, [partition(1, 1, 1000)])
  expect(kinds(withVolume(big, {}))).toEqual(['partition', 'physical-volume', 'logical-volume'])
  expect(kinds(withVolume(full, {}))).toEqual([])
  expect(kinds(withVolume(full, { freeMiB: 40 }))).toEqual(['logical-volume'])
  expect(kinds(withVolume(full, { pvMiB: 800 }))).toEqual(['physical-volume', 'logical-volume'])
  const thin = withVolume(big, { layout: 'thin,sparse' })
  expect([kinds(thin), codes(thin, toolPath('/dev/vg/root'))]).toEqual([[], ['GROW_UNSUPPORTED']])
})

test('whatever the layout, a grown partition stays on the disk, meets no other, and is then big enough', () => {
  const layout = fc.record({
    kind: fc.constantFrom('gpt' as const, 'mbr' as const),
    sizeMiB: fc.integer({ min: 2, max: 5000 }),
    parts: fc.array(fc.tuple(fc.integer({ min: 1, max: 4000 }), fc.integer({ min: 1, max: 2000 })), { minLength: 1, maxLength: 4 }),
  })
  fc.assert(
    fc.property(layout, ({ kind, sizeMiB, parts }) => {
      const partitions = parts.map(([start, size], index) => partition(index + 1, start, size))
      const storage = disk(kind, sizeMiB * mebibyte, partitions)
      for (const { node: device } of partitions) {
        for (const step of growBelow(storage, device).steps) {
          if (step.kind !== 'partition') continue
          expect(step.toBytes).toBeGreaterThan(step.fromBytes)
          expect(step.startBytes + step.toBytes).toBeLessThanOrEqual(sizeMiB * mebibyte)
          expect(
            partitions.filter(({ startBytes }) => startBytes > step.startBytes && startBytes >= step.startBytes + step.fromBytes),
          ).toEqual([])
          const grown = partitions.map((part) => (part.node === device ? { ...part, sizeBytes: step.toBytes } : part))
          expect(growBelow(disk(kind, sizeMiB * mebibyte, grown), device).steps).toEqual([])
        }
      }
    }),
  )
})
