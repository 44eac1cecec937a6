import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addressesOf, hostNamesOf, parseHosts, removeHostAddress, setHostNames } from './hosts.ts'
import { renderLines } from './line-file.ts'

const debian = `127.0.0.1\tlocalhost
127.0.1.1\told.example.org old # the name at install time

# The following lines are desirable for IPv6 capable hosts
::1     localhost ip6-localhost ip6-loopback
10.0.0.5 db DB.example.org`
const hosts = parseHosts(debian)

test('lookups', () => {
  expect(hostNamesOf(hosts, '127.0.1.1')).toEqual(['old.example.org', 'old'])
  expect(hostNamesOf(hosts, '10.9.9.9')).toEqual([])
  expect(addressesOf(hosts, 'LOCALHOST')).toEqual(['127.0.0.1', '::1'])
  expect(addressesOf(hosts, 'db.example.org')).toEqual(['10.0.0.5'])
})

test('a line changes its names and nothing else', () => {
  const changed = setHostNames(hosts, '127.0.1.1', ['new.example.org', 'new'])
  expect(renderLines(changed)).toBe(debian.replace('old.example.org old', 'new.example.org new'))
  expect(setHostNames(changed, '127.0.1.1', ['new.example.org', 'new'])).toBe(changed)
})

test('a new line goes next to its kin', () => {
  const bare = removeHostAddress(hosts, '127.0.1.1')
  expect(renderLines(setHostNames(bare, '127.0.1.1', ['web']))).toBe(debian.replace(/127\.0\.1\.1.*/, '127.0.1.1\tweb'))
  expect(renderLines(setHostNames(hosts, '192.0.2.1', ['web']))).toBe(`${debian}\n192.0.2.1\tweb\n`)
  expect(renderLines(setHostNames(parseHosts(''), '::1', ['web']))).toBe('::1\tweb\n')
})

test.each([
  ['localhost', ['a']],
  ['10.0.0', ['a']],
  ['10.0.0.1', []],
  ['10.0.0.1', ['a b']],
  ['10.0.0.1', ['a#b']],
  ['10.0.0.1', ['']],
])('refuses %s %j', (address, names) => {
  expect(() => setHostNames(hosts, address, names)).toThrow(RangeError)
})

test('any text survives, what is set reads back', () => {
  const soup = fc.string({ unit: fc.constantFrom('1', '.', ':', 'a', ' ', '\t', '#', '\n', '\r', '127.0.0.1 ', '::1\t') })
  fc.assert(
    fc.property(soup, (text) => {
      expect(renderLines(parseHosts(text))).toBe(text)
      const changed = setHostNames(removeHostAddress(parseHosts(text), '127.0.1.1'), '127.0.1.1', ['a.b', 'a'])
      expect(hostNamesOf(parseHosts(renderLines(changed)), '127.0.1.1')).toEqual(['a.b', 'a'])
    }),
  )
})
