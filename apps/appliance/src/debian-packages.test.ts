import { expect, test } from 'vitest'
import { parsePackageRecords, parseSimulation } from './debian-packages.ts'

test('what apt-get would install', () => {
  const text = `NOTE: This is only a simulation!
Inst libc6 (2.41-12 Debian:13.7/stable [amd64]) []
Inst libacl1 (2.3.2-2+b1 Debian:13.7/stable [amd64])
Conf libc6 (2.41-12 Debian:13.7/stable [amd64])
`
  expect(parseSimulation(text)).toEqual(['libc6=2.41-12', 'libacl1=2.3.2-2+b1'])
})

test('records of packages', () => {
  const sha256 = 'a'.repeat(64)
  const record = (name: string): string =>
    `Package: ${name}\nVersion: 1:2-3\nDescription: a\n Version: not this\nArchitecture: amd64\nMD5sum: b\nSHA256: ${sha256}\n`
  expect(parsePackageRecords(`${record('one')}\n${record('two')}\n`)).toEqual([
    { name: 'one', version: '1:2-3', architecture: 'amd64', sha256 },
    { name: 'two', version: '1:2-3', architecture: 'amd64', sha256 },
  ])
})

test('a record without a strong checksum is not accepted', () => {
  expect(() => parsePackageRecords('Package: a\nVersion: 1\nArchitecture: all\nMD5sum: b\n')).toThrow()
})
