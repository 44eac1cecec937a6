import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { renderLines } from './line-file.ts'
import { enabledLocales, enableLocale, parseLocaleGen } from './locale-gen.ts'
import { isBuiltinLocale, localeGenEntry, parseLocaleName } from './locale-name.ts'
import { isTimezoneName, timezoneOfLink } from './timezone.ts'

test.each([
  ['en_US.UTF-8', { language: 'en', territory: 'US', codeset: 'UTF-8', modifier: undefined }],
  ['sr_RS.UTF-8@latin', { language: 'sr', territory: 'RS', codeset: 'UTF-8', modifier: 'latin' }],
  ['de_DE@euro', { language: 'de', territory: 'DE', codeset: undefined, modifier: 'euro' }],
  ['eo', { language: 'eo', territory: undefined, codeset: undefined, modifier: undefined }],
  ['C.UTF-8', { language: 'C', territory: undefined, codeset: 'UTF-8', modifier: undefined }],
  ['../../etc', undefined],
  ['en_us', undefined],
  ['en_US.UTF-8\n', undefined],
  ['', undefined],
])('locale %j', (name, parts) => {
  expect(parseLocaleName(name)).toEqual(parts)
})

test.each([
  ['C', true],
  ['POSIX', true],
  ['C.utf8', true],
  ['en_US.UTF-8', false],
  ['C.ISO-8859-1', false],
])('%s is built in: %j', (name, builtin) => {
  expect(isBuiltinLocale(name)).toBe(builtin)
})

test.each([
  ['en_US.utf8', { locale: 'en_US.UTF-8', charmap: 'UTF-8' }],
  ['de_DE.iso-8859-15@euro', { locale: 'de_DE.ISO-8859-15@euro', charmap: 'ISO-8859-15' }],
  ['de_DE', { locale: 'de_DE', charmap: 'UTF-8' }],
  ['nonsense here', undefined],
])('generate %s', (name, entry) => {
  expect(localeGenEntry(name)).toEqual(entry)
})

describe('locale.gen', () => {
  const text = `# This file lists locales that you wish to have built.

# de_DE ISO-8859-1
# de_DE.UTF-8 UTF-8
en_US.UTF-8 UTF-8
`
  const german = { locale: 'de_DE.UTF-8', charmap: 'UTF-8' }

  test('enable takes the hash away', () => {
    const file = parseLocaleGen(text)
    expect(enabledLocales(file)).toEqual([{ locale: 'en_US.UTF-8', charmap: 'UTF-8' }])
    const enabled = enableLocale(file, german)
    expect(renderLines(enabled)).toBe(text.replace('# de_DE.UTF-8', 'de_DE.UTF-8'))
    expect(enableLocale(enabled, german)).toBe(enabled)
  })

  test('what is not offered is appended', () => {
    const file = enableLocale(parseLocaleGen('# nothing'), german)
    expect(renderLines(file)).toBe('# nothing\nde_DE.UTF-8 UTF-8\n')
    expect(() => enableLocale(file, { locale: 'a b', charmap: 'UTF-8' })).toThrow(RangeError)
    expect(() => enableLocale(file, { locale: 'aa_BB', charmap: 'UTF-8\nx Y' })).toThrow(RangeError)
  })

  test('any text survives', () => {
    const part = fc.constantFrom('#', ' ', 'en_US.UTF-8', 'UTF-8', '\n', '\r\n')
    fc.assert(fc.property(fc.array(part), (parts) => renderLines(parseLocaleGen(parts.join(''))) === parts.join('')))
  })
})

test.each([
  ['Europe/Berlin', true],
  ['America/Argentina/Ushuaia', true],
  ['Etc/GMT+3', true],
  ['UTC', true],
  ['/etc/passwd', false],
  ['../../../etc/passwd', false],
  ['Europe/..', false],
  ['Europe//Berlin', false],
  ['Europe/Berlin/', false],
  ['Europe/Ber lin', false],
  ['UTC\n', false],
  ['', false],
])('time zone %j: %j', (name, valid) => {
  expect(isTimezoneName(name)).toBe(valid)
})

test.each([
  ['/usr/share/zoneinfo/Europe/Berlin', 'Europe/Berlin'],
  ['../usr/share/zoneinfo/UTC', 'UTC'],
  ['/usr/share/zoneinfo/right/UTC', 'UTC'],
  ['/usr/share/zoneinfo/../passwd', undefined],
  ['/etc/other', undefined],
])('the link %s', (target, zone) => {
  expect(timezoneOfLink(target)).toBe(zone)
})
