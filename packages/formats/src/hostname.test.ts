import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isDomainName, isHostname, splitHostname } from './hostname.ts'
import { getHostname, parseHostnameFile, setHostname } from './hostname-file.ts'
import { renderLines } from './line-file.ts'

test.each([
  ['web1', true],
  ['web-1.example.org', true],
  ['1001', true],
  ['3com.example', true],
  ['a'.repeat(63), true],
  ['a'.repeat(64), false],
  [`${'a'.repeat(40)}.${'b'.repeat(40)}`, false],
  ['10.0.0.1', false],
  ['-web', false],
  ['web-', false],
  ['a..b', false],
  ['web.', false],
  ['web_1', false],
  ['web\n', false],
  ['', false],
])('host name %j: %j', (name, valid) => {
  expect(isHostname(name)).toBe(valid)
})

test('domain names may be longer than host names', () => {
  expect(isDomainName(`${'a'.repeat(40)}.${'b'.repeat(40)}`)).toBe(true)
  expect(isDomainName(Array(43).fill('abcde').join('.'))).toBe(false)
})

test('split', () => {
  expect(splitHostname('a.example.org')).toEqual({ hostname: 'a', domain: 'example.org' })
  expect(splitHostname('a')).toEqual({ hostname: 'a', domain: undefined })
  expect(splitHostname('a.')).toEqual({ hostname: 'a', domain: undefined })
})

test('the file keeps its comments', () => {
  const file = parseHostnameFile('# ours\n old\nsecond')
  expect(getHostname(file)).toBe('old')
  expect(renderLines(setHostname(file, 'new'))).toBe('# ours\nnew\n')
  expect(renderLines(setHostname(parseHostnameFile(''), 'new'))).toBe('new\n')
  expect(renderLines(setHostname(parseHostnameFile('#'), 'new'))).toBe('#\nnew\n')
  const same = parseHostnameFile('new')
  expect(setHostname(same, 'new')).toBe(same)
  expect(() => setHostname(file, 'a b')).toThrow(RangeError)
})

test('any text survives', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', '#', ' ', '\n', '\r') }), (text) => renderLines(parseHostnameFile(text)) === text),
  )
})
