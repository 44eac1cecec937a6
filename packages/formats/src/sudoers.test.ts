import { expect, test } from 'vitest'
import { escapeSudoersUser, isSudoersDropInName, isSudoRule, renderSudoers } from './sudoers.ts'

test.each([
  ['alice', 'alice'],
  ['web-1.x_y', 'web-1.x_y'],
  ['ALL', '"ALL"'],
  ['ADMIN', '"ADMIN"'],
  ['%admin', '"%admin"'],
  ['machine$', '"machine$"'],
])('user %s', (name, escaped) => {
  expect(escapeSudoersUser(name)).toBe(escaped)
})

test.each(['', 'a"b', 'a\\b', 'a\nb'])('refuses the user %j', (name) => {
  expect(() => escapeSudoersUser(name)).toThrow(RangeError)
})

test.each([
  ['ALL=(ALL) NOPASSWD:ALL', true],
  ['ALL=(ALL:ALL) ALL', true],
  ['ALL = NOPASSWD: /usr/bin/apt, (root) SETENV: /bin/systemctl restart web', true],
  ['web1,web2=(www-data,#33) /bin/kill -9 \\:1', true],
  ['ALL=(ALL) NOPASSWD:', false],
  ['ALL=(ALL', false],
  ['ALL=', false],
  ['ALL', false],
  ['=ALL', false],
  ['ALL=ALL, ', false],
  ['ALL=(ALL) ALL # all', false],
  ['ALL=(ALL) ALL\nroot ALL=ALL', false],
  ['ALL=(ALL) ALL \\', false],
  ['ALL=(ALL) "open', false],
  ['', false],
])('rule %j: %j', (rule, valid) => {
  expect(isSudoRule(rule)).toBe(valid)
})

test('a drop-in', () => {
  expect(
    renderSudoers(
      [
        { user: 'alice', rules: ['ALL=(ALL) NOPASSWD:ALL'] },
        { user: 'Bob', rules: ['ALL=(ALL) /bin/a', ' ALL=(ALL) /bin/b '] },
      ],
      '# ours\n',
    ),
  ).toBe('# ours\nalice ALL=(ALL) NOPASSWD:ALL\n"Bob" ALL=(ALL) /bin/a\n"Bob" ALL=(ALL) /bin/b\n')
  expect(() => renderSudoers([{ user: 'a', rules: ['ALL'] }])).toThrow(RangeError)
})

test.each([
  ['90-host-deployer-users', true],
  ['90-first.last', false],
  ['backup~', false],
  ['../sudoers', false],
])('drop-in name %s: %j', (name, valid) => {
  expect(isSudoersDropInName(name)).toBe(valid)
})
