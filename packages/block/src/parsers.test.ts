import { toolPath } from '@host-deployer/driver-api'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseLsblk } from './lsblk.ts'
import { mapperDevice, parseLvmReport } from './lvm-report.ts'
import { decodeUdev, parseBlkidUdev, withProbe } from './probe-nodes.ts'
import { readCoveredBytes, readSwapHeader } from './superblock.ts'
import { captured, capturedBytes, capturedNodes, capturedStorage } from './testing/captured.ts'

const mebibyte = 2 ** 20

test('a GPT disk as util-linux 2.41 shows it', () => {
  const { disks, filesystems } = capturedStorage('lsblk-2.41.5-gpt.json', '/dev/loop0')
  expect(disks[0]).toMatchObject({ id: 'disk0', sizeBytes: 3221225472, table: { kind: 'gpt', id: '5f1b2c3d-0000-4000-8000-000000000001' } })
  expect(disks[0]?.table?.partitions).toEqual([
    {
      diskId: 'disk0',
      number: 1,
      node: '/dev/loop0p1',
      startBytes: mebibyte,
      sizeBytes: mebibyte,
      type: '21686148-6449-6E6F-744E-656564454649',
      name: 'bios',
      uuid: '5f808f01-fd92-446d-81db-916ce4a769ed',
    },
    expect.objectContaining({ number: 2, type: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B', name: 'EFI System' }),
    expect.objectContaining({ number: 3, startBytes: 66 * mebibyte, sizeBytes: 2077229056 }),
  ])
  expect(filesystems.map(({ device, type, label }) => [device, type, label])).toEqual([
    ['/dev/loop0p2', 'vfat', 'ESP'],
    ['/dev/loop0p3', 'ext4', 'a\nb"x'],
  ])
})

test('an MBR disk with logical partitions, a whole-disk file system and an encrypted disk', () => {
  const { disks, filesystems } = capturedStorage('lsblk-2.41.5-mbr-whole-luks.json', '/dev/loop3', '/dev/loop4', '/dev/loop5')
  expect(disks.map(({ table }) => table?.kind ?? null)).toEqual(['mbr', null, null])
  expect(disks[0]?.table?.partitions.map(({ number, type, uuid }) => [number, type, uuid])).toEqual([
    [1, '83', '8c3d5e11-01'],
    [2, '5', '8c3d5e11-02'],
    [3, '83', '8c3d5e11-03'],
    [4, '8e', '8c3d5e11-04'],
    [5, '83', '8c3d5e11-05'],
    [6, '82', '8c3d5e11-06'],
  ])
  expect(filesystems.map(({ device, type, diskId }) => [device, type, diskId])).toEqual([
    ['/dev/loop3p1', 'ext2', 'disk0'],
    ['/dev/loop3p3', 'xfs', 'disk0'],
    ['/dev/loop3p4', 'LVM2_member', 'disk0'],
    ['/dev/loop3p5', 'btrfs', 'disk0'],
    ['/dev/loop3p6', 'swap', 'disk0'],
    ['/dev/loop4', 'ext4', 'disk1'],
    ['/dev/loop5', 'crypto_LUKS', 'disk2'],
  ])
})

test('low-level probing says the same as lsblk', () => {
  const sections = captured('blkid-2.41.5-udev.txt').split(/^== (.*)\n/m)
  const fieldsOf = (path: string) => parseBlkidUdev(sections[sections.indexOf(path) + 1] ?? '')
  for (const node of capturedNodes('lsblk-2.41.5-gpt.json')) {
    const bare = {
      ...node,
      tableType: null,
      tableId: null,
      partitionNumber: null,
      partitionType: null,
      filesystem: null,
      label: null,
      uuid: null,
    }
    expect(withProbe({ ...bare, partUuid: null, partLabel: null }, fieldsOf(node.path))).toEqual(node)
  }
  expect(fieldsOf('empty.img').get('ID_FS_TYPE')).toBe('crypto_LUKS')
})

test('contradicting signatures are no file system', () => {
  const [node] = capturedNodes('lsblk-2.41.5-gpt.json')
  if (node === undefined) throw new TypeError('nothing captured')
  const fields = parseBlkidUdev('ID_FS_AMBIVALENT=filesystem:ext4:1.0 other:swap:1\nID_FS_TYPE=ext4\n')
  expect(withProbe(node, fields).filesystem).toBeNull()
})

test('udev’s escapes are bytes of UTF-8', () => {
  expect(decodeUdev('q\\x22\\x24\\x5cü\\x5eA\\x1b\\x5b')).toBe('q"$\\ü^A\x1b[')
  expect(decodeUdev('\\xc3\\xbc \\xZZ')).toBe('ü \\xZZ')
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const encoded = [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')
      expect(decodeUdev(encoded)).toBe(text)
    }),
  )
})

test('volume groups as LVM 2.03.31 reports them', () => {
  const report = parseLvmReport(captured('lvm-2.03.31-fullreport.json'))
  expect(
    report?.groups.map(({ name, freeBytes, extentSizeBytes, missingPhysicalVolumes }) => ({
      name,
      freeBytes,
      extentSizeBytes,
      missingPhysicalVolumes,
    })),
  ).toEqual([
    { name: 'data', freeBytes: 310378496, extentSizeBytes: 4194304, missingPhysicalVolumes: 0 },
    { name: 'trixie-vg', freeBytes: 205520896, extentSizeBytes: 4194304, missingPhysicalVolumes: 0 },
  ])
  expect(report?.groups[1]?.logicalVolumes.map(({ name, sizeBytes, layout }) => [name, sizeBytes, layout])).toEqual([
    ['root', 314572800, 'linear'],
    ['swap_1', 104857600, 'linear'],
  ])
  expect(report?.groups[1]?.physicalVolumes).toEqual([
    { device: '/dev/loop1', uuid: expect.any(String), deviceSizeBytes: 629145600, sizeBytes: 624951296, dataStartBytes: 1048576 },
  ])
  expect(report?.orphans.map(({ device }) => device)).toEqual(['/dev/loop3p4'])
})

test('logical volumes are listed by their mapper names', () => {
  expect(
    capturedNodes('lsblk-2.41.5-logical-volumes.json').map(({ path, type, filesystem, label }) => [path, type, filesystem, label]),
  ).toEqual([
    [mapperDevice('my-vg', 'the-root'), 'lvm', 'xfs', 'os'],
    [mapperDevice('my-vg', 'swap_1'), 'lvm', 'swap', null],
  ])
})

test('a group whose second disk is not there', () => {
  const report = parseLvmReport(captured('lvm-2.03.31-missing-pv.json'))
  expect(report?.groups[0]).toMatchObject({ name: 'data', missingPhysicalVolumes: 1, physicalVolumes: [{ device: '/dev/loop2' }] })
})

test('device mapper doubles dashes within names', () => {
  expect(mapperDevice('my-vg', 'the--root')).toBe('/dev/mapper/my--vg-the----root')
})

test.each([
  ['ext2', 'start-ext2-1.47.2.bin.gz', 100 * mebibyte],
  ['ext4', 'start-ext4-1.47.2.bin.gz', 250 * mebibyte],
  ['xfs', 'start-xfs-6.13.bin.gz', 400 * mebibyte],
  ['btrfs', 'start-btrfs-6.14.bin.gz', 400 * mebibyte],
  ['f2fs', 'start-f2fs-1.15.bin.gz', 200 * mebibyte],
])('how much of its device an %s covers', (type, name, sizeBytes) => {
  expect(readCoveredBytes(type, capturedBytes(name))).toBe(sizeBytes)
  expect(readCoveredBytes(type, new Uint8Array(17 * 4096))).toBeUndefined()
  expect(readCoveredBytes(type, capturedBytes(name).subarray(0, 4096))).toBeUndefined()
})

test.each([
  ['start-swap-2.38.1.bin.gz', 4096],
  ['start-swap-64k-2.38.1.bin.gz', 65_536],
])('a swap area of %s has pages of %i bytes', (name, pageSizeBytes) => {
  expect(readSwapHeader(capturedBytes(name))).toEqual({ pageSizeBytes, coveredBytes: 40 * mebibyte })
  expect(readSwapHeader(capturedBytes(name).subarray(0, 4000))).toBeUndefined()
  expect(readSwapHeader(capturedBytes('start-ext4-1.47.2.bin.gz'))).toBeUndefined()
})

test('no output of a tool, however odd, makes a parser throw', () => {
  const odd = fc.oneof(
    fc.string(),
    fc.json(),
    fc.json().map((text) => `{"blockdevices":[${text}],"report":[${text}]}`),
  )
  fc.assert(
    fc.property(odd, (output) => {
      parseLsblk(output)
      parseLvmReport(output)
      parseBlkidUdev(output)
    }),
  )
  const hostile =
    '{"report":[{"vg":[{"vg_name":"../x"}],"lv":[{"lv_name":"y","lv_role":"public"}]},{"vg":[{"vg_name":"ok"}],"lv":[{"lv_name":"..","lv_role":"public"}]}]}'
  expect(parseLvmReport(hostile)?.groups.map(({ name, logicalVolumes }) => [name, logicalVolumes])).toEqual([['ok', []]])
})

test.each([
  ['', [null]],
  ['guest.id-1', ['guest.id-1']],
  ['a" devices/filter="a', []],
  ['x'.repeat(129), []],
])('a group with the system id %j', (systemId, found) => {
  const report = parseLvmReport(JSON.stringify({ report: [{ vg: [{ vg_name: 'vg', vg_systemid: systemId }] }] }))
  expect(report?.groups.map((group) => group.systemId)).toEqual(found)
})

test('a device is listed once', () => {
  const line = { path: '/dev/sda', type: 'disk', size: 1 }
  expect(parseLsblk(JSON.stringify({ blockdevices: [line, line, { ...line, path: 'sdb' }] }))?.map(({ path }) => path)).toEqual([
    toolPath('/dev/sda'),
  ])
})
