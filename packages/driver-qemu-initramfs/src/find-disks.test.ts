import { expect, test } from 'vitest'
import { parseFoundDisks } from './find-disks.ts'

const page = (serial: string): Buffer => Buffer.concat([Buffer.from([0, 0x80, 0, serial.length]), Buffer.from(serial, 'latin1')])

test('disks and their serials, whatever bytes the length of one is', () => {
  // The length 10 is a line feed.
  const pages = ['disk0', 'exactly-10', 'x'.repeat(20)].map(page)
  const output = Buffer.concat([Buffer.from('sda 6291456 0\nsdb 16 1\nsdaa 2 0\n\n'), ...pages])
  expect(parseFoundDisks(output)).toEqual([
    { device: '/dev/sda', sizeBytes: 3_221_225_472, readOnly: false, serial: 'disk0' },
    { device: '/dev/sdb', sizeBytes: 8192, readOnly: true, serial: 'exactly-10' },
    { device: '/dev/sdaa', sizeBytes: 1024, readOnly: false, serial: 'x'.repeat(20) },
  ])
})

test('a serial is padded with spaces', () => {
  expect(parseFoundDisks(Buffer.concat([Buffer.from('sda 1 0\n\n'), page('ab  ')]))).toMatchObject([{ serial: 'ab' }])
})

test('what was cut off is not a disk', () => {
  expect(parseFoundDisks(Buffer.from(''))).toEqual([])
  expect(parseFoundDisks(Buffer.from('sda 1 0\n'))).toEqual([])
  expect(parseFoundDisks(Buffer.concat([Buffer.from('sda 1 0\nsdb 1 0\n\n'), page('one')]))).toHaveLength(1)
})
