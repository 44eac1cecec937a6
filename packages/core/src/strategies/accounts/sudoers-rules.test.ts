import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { includesSudoersDirectory, setSudoersRules } from './sudoers-rules.ts'

const rules = new Map([
  ['alice', ['ALL=(ALL) ALL']],
  ['bob', ['ALL=/bin/a', 'ALL=/bin/b']],
])

describe('setSudoersRules', () => {
  test('whatever the file holds, the second time changes nothing', () => {
    const line = fc.constantFrom('# Rules of alice', '# Rules of carol', 'alice ALL=ALL', 'carol ALL=ALL', '# x', '', 'junk')
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const once = setSudoersRules(lines.join('\n'), rules)
        expect(setSudoersRules(once, rules)).toBe(once)
        expect(once).toContain('# Rules of alice\nalice ALL=(ALL) ALL\n')
        expect(once).toContain('# Rules of bob\nbob ALL=/bin/a\nbob ALL=/bin/b\n')
      }),
    )
  })

  test('a rule that sudo cannot read is refused', () => {
    expect(() => setSudoersRules('', new Map([['alice', ['ALL=(ALL']]]))).toThrow(RangeError)
  })
})

test.each([
  ['#includedir /etc/sudoers.d', true],
  ['@includedir /etc/sudoers.d/', true],
  ['  @includedir "/etc/sudoers.d"  ', true],
  ['# includedir /etc/sudoers.d', false],
  ['#includedir /etc/sudoers.d.local', false],
  ['#include /etc/sudoers.d', false],
])('%j reads the directory: %s', (line, expected) => {
  expect(includesSudoersDirectory(`Defaults env_reset\n${line}\n`, '/etc/sudoers.d')).toBe(expected)
})
