import { expect, test } from 'vitest'
import { readBusyboxApplets } from './busybox-applets.ts'

test('the table of applets ends where names end', () => {
  const binary = Buffer.from('junk\0[\0[[\0arch\0fsck.minix\0uudecode\0zcat\0\x01\x02more\0', 'latin1')
  expect(readBusyboxApplets(binary)).toEqual(['[', '[[', 'arch', 'fsck.minix', 'uudecode', 'zcat'])
})

test('another program has none', () => {
  expect(() => readBusyboxApplets(Buffer.from('[ is a program'))).toThrow()
})
