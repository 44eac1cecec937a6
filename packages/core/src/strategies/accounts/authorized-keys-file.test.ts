import { parseAuthorizedKey, parseAuthorizedKeys } from '@host-deployer/formats'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { testKeys } from '../../testing/requests.ts'
import { mergeAuthorizedKeys } from './authorized-keys-file.ts'

const { alice, bob } = testKeys
const refused = `no-pty,command="exit 1" ${alice}`
const soup = fc
  .array(fc.constantFrom(alice, bob, refused, `${alice} again`, '# comment', '', 'junk \xff', '\r'), { maxLength: 12 })
  .map((lines) => lines.join('\n'))

describe('mergeAuthorizedKeys', () => {
  test('afterwards the keys are there as asked, once for each set of options, and doing it again changes nothing', () => {
    fc.assert(
      fc.property(soup, fc.constantFrom(alice, refused), (text, line) => {
        const merged = mergeAuthorizedKeys(text, [line])
        const wanted = parseAuthorizedKey(line)
        const found = parseAuthorizedKeys(merged).entries.filter(({ body }) => body === wanted?.body)
        expect(found.length).toBeGreaterThan(0)
        for (const { options } of found) expect(options).toEqual(wanted?.options)
        expect(mergeAuthorizedKeys(merged, [line])).toBe(merged)
      }),
    )
  })

  test('lines without the key stay, in their order', () => {
    fc.assert(
      fc.property(soup, (text) => {
        const others = (file: string) =>
          file.split('\n').filter((line) => parseAuthorizedKey(line)?.body !== parseAuthorizedKey(alice)?.body)
        const strip = (lines: readonly string[]) => lines.join('\n').replace(/\n+$/, '')
        expect(strip(others(mergeAuthorizedKeys(text, [alice])))).toBe(strip(others(text)))
      }),
    )
  })
})
