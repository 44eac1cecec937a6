import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { NewFilesystem } from './new-filesystem.ts'
import { planFormat } from './plan-format.ts'

const gibibyte = 2 ** 30
const plan = (wanted: NewFilesystem, { sizeBytes = 10 * gibibyte, blank = true, version = '' } = {}) =>
  planFormat({ sizeBytes, sectorSizeBytes: 512, blank }, wanted, version)
const argv = (...given: Parameters<typeof plan>) => plan(...given).makeArgv.join(' ')

const linux = '0FC63DAF-8483-4772-8E79-3D69D8477DE4'
const swap = '0657FD6D-A4AB-43C4-84E5-0933C84B4F4F'

test('one partition from the first to the last whole mebibyte, of the type of what it holds', () => {
  expect(plan({ type: 'ext4' }).script).toBe(`label: gpt\nstart=1MiB, size=10238MiB, type=${linux}\n`)
  expect(plan({ type: 'swap' })).toMatchObject({
    script: `label: gpt\nstart=1MiB, size=10238MiB, type=${swap}\n`,
    partitionBytes: 10_238 * 2 ** 20,
  })
})

test('whatever the size of the disk, the partition leaves room for both tables and wastes less than 2 MiB', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 45 }), fc.constantFrom(512, 4096), (sizeBytes, sectorSizeBytes) => {
      const { partitionBytes } = planFormat({ sizeBytes, sectorSizeBytes, blank: true }, { type: 'xfs' }, '')
      const end = 2 ** 20 + partitionBytes
      expect(partitionBytes % 2 ** 20).toBe(0)
      if (partitionBytes === 0) expect(sizeBytes).toBeLessThan(3 * 2 ** 20)
      else expect(sizeBytes - end).toBeGreaterThanOrEqual(33 * sectorSizeBytes)
      expect(sizeBytes - end).toBeLessThan(2 * 2 ** 20)
    }),
  )
})

test('UUID and label are given to each tool in its own way', () => {
  const names = { uuid: 'U', label: 'L' }
  const last = (type: NewFilesystem['type']) => argv({ type, ...names }).replace(/^.*(?= \S+ \S+ \S+ \S+$)/, '')
  expect([argv({ type: 'ext2', ...names }), last('xfs'), last('f2fs'), argv({ type: 'swap', ...names })]).toEqual([
    'mkfs.ext2 -q -U U -L L -E nodiscard',
    ' -m uuid=U -L L',
    ' -U U -l L',
    'mkswap -U U -L L',
  ])
})

test('ext4 has the features that guests of any age know, and fewer inodes on large disks', () => {
  const features = /-O none,(\S+)/.exec(argv({ type: 'ext4' }))?.[1]?.split(',')
  expect(features).toEqual(expect.arrayContaining(['64bit', 'metadata_csum', 'extent']))
  expect(features).not.toEqual(expect.arrayContaining(['orphan_file']))
  const thresholds = { hugeBytes: 512 * gibibyte, largefileBytes: 4096 * gibibyte }
  const usage = (sizeBytes: number) => /-T (\S+)/.exec(argv({ type: 'ext4', thresholds }, { sizeBytes }))?.[1]
  expect([512, 513, 4096, 4097].map((size) => usage(size * gibibyte))).toEqual([undefined, 'huge', 'huge', 'largefile'])
  expect(argv({ type: 'ext4', reservedPercent: 0 })).toContain(' -m 0 ')
})

test('names without case need a feature and an encoding', () => {
  expect(argv({ type: 'ext4', caseInsensitive: true })).toMatch(
    /-O none,\S+,casefold,project,quota -E \S+,encoding=utf8,encoding_flags=strict$/,
  )
  expect(argv({ type: 'f2fs', caseInsensitive: true, overprovisionPercent: 7 })).toContain(',casefold -C utf8 -o 7')
})

test.each([
  ['mkfs.xfs version 4.20.0', '-K -q -f -m crc=1'],
  ['mkfs.xfs version 5.10.0', '-K -q -f -m crc=1 -m reflink=0,rmapbt=0'],
  ['mkfs.xfs version 5.19.0', '-K -q -f -m crc=1 -m reflink=0,rmapbt=0 -m bigtime=0,inobtcount=0'],
  ['mkfs.xfs version 6.1.0', '-K -q -f -m crc=1 -m reflink=0,rmapbt=0 -m bigtime=0,inobtcount=0 -i nrext64=0'],
  ['mkfs.xfs version 6.13.0', '-K -q -f -m crc=1 -m reflink=0,rmapbt=0 -m bigtime=0,inobtcount=0 -i nrext64=0 -i exchange=0 -n parent=0'],
])('xfs of %s is told of no feature that it does not know', (version, options) => {
  expect(argv({ type: 'xfs' }, { version })).toBe(`mkfs.xfs ${options}`)
})

test('what was on the disk is discarded, and nothing on a blank one', () => {
  const flags = (['ext2', 'ext4', 'xfs', 'f2fs'] as const).map((type) =>
    [true, false].map((blank) => / -K | -t 0 |nodiscard/.exec(argv({ type }, { blank }))?.[0].trim()),
  )
  expect(flags).toEqual([
    ['nodiscard', undefined],
    ['nodiscard', undefined],
    ['-K', undefined],
    ['-t 0', undefined],
  ])
})
