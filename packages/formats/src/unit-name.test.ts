import fc from 'fast-check'
import { expect, test } from 'vitest'
import { escapeUnitName, escapeUnitPath, isUnitName, unescapeUnitName } from './unit-name.ts'

test.each([
  ['/dev/disk/by-label/my data', 'dev-disk-by\\x2dlabel-my\\x20data'],
  ['/', '-'],
  ['//srv///web/', 'srv-web'],
  ['/.hidden/.x', '\\x2ehidden-.x'],
])('path %s', (path, escaped) => {
  expect(escapeUnitPath(path)).toBe(escaped)
})

test.each(['srv', '', '/a/../b', '/a/./b', '/a\0'])('refuses the path %j', (path) => {
  expect(() => escapeUnitPath(path)).toThrow(RangeError)
})

test('every name comes back', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (name) => unescapeUnitName(escapeUnitName(name)) === name))
  expect(unescapeUnitName('a\\xzz')).toBeUndefined()
})

test.each([
  ['ssh.service', true],
  ['serial-getty@ttyS0.service', true],
  ['srv-my\\x20data.mount', true],
  ['ssh', false],
  ['ssh.conf', false],
  ['a/b.service', false],
  ['a b.service', false],
  ['@.service', false],
  [`${'a'.repeat(250)}.service`, false],
])('unit %j: %j', (name, valid) => {
  expect(isUnitName(name)).toBe(valid)
})
