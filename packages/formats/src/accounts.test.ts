import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isAccountName, isPortableAccountName } from './account-name.ts'
import { type ColonTable, findEntry, malformedLines, removeEntry, upsertEntry } from './colon-table.ts'
import { parseGroup } from './group.ts'
import { parseGshadow } from './gshadow.ts'
import { renderLines } from './line-file.ts'
import { type PasswdEntry, parsePasswd } from './passwd.ts'
import { parseShadow } from './shadow.ts'

const passwd = `root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
# kept by hand
short:x:5

alice:x:01000:1000:Alice,,,:/home/alice:/bin/bash
long:x:1:1::/:/bin/sh:more
+::::::
`
const bob: PasswdEntry = { name: 'bob', password: 'x', uid: 1001, gid: 1001, gecos: '', home: '/home/bob', shell: '/bin/sh' }

// Characters that make trouble, and pieces of real lines.
const soup = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'root:x:0:0:root:/root:/bin/bash',
        'a:!:19000:0:99999:7:::',
        'g:x:5:a,b',
        'g:!::a',
        '+',
        '-x',
        '#',
        '\r',
        ':',
        '\n',
        '',
      ),
      fc.string({ maxLength: 12 }),
    ),
    { maxLength: 20 },
  )
  .map((parts) => parts.join('\n'))

const parsers: readonly [string, (text: string) => ColonTable<{ readonly name: string }>][] = [
  ['passwd', parsePasswd as never],
  ['shadow', parseShadow as never],
  ['group', parseGroup as never],
  ['gshadow', parseGshadow as never],
]

describe.each(parsers)('%s', (_name, parse) => {
  test('any text survives the round trip', () => {
    fc.assert(fc.property(soup, (text) => renderLines(parse(text)) === text))
  })

  test('upserting what is there changes nothing', () => {
    fc.assert(
      fc.property(soup, (text) => {
        const table = parse(text)
        for (const { name } of table.entries) {
          const entry = findEntry(table, name)
          if (entry !== undefined) expect(upsertEntry(table, entry)).toBe(table)
        }
      }),
    )
  })

  test('removing a name leaves the other lines alone', () => {
    fc.assert(
      fc.property(soup, (text) => {
        const table = parse(text)
        const name = table.entries[0]?.name ?? 'nobody'
        const removed = removeEntry(table, name)
        expect(findEntry(removed, name)).toBeUndefined()
        expect(removed.lines).toEqual(table.lines.filter((line) => line.entry?.name !== name))
      }),
    )
  })
})

test('an added entry is found, reads back the same and touches no other line', () => {
  const field = fc.string({ maxLength: 10 }).map((text) => text.replaceAll(/[:\n\0]/g, ''))
  const entries = fc.record({
    name: fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/),
    password: field,
    uid: fc.nat(),
    gid: fc.nat(),
    gecos: field,
    home: field,
    shell: field,
  })
  fc.assert(
    fc.property(soup, entries, (text, entry) => {
      const before = removeEntry(parsePasswd(text), entry.name)
      const after = upsertEntry(before, entry)
      expect(findEntry(after, entry.name)).toEqual(entry)
      expect(findEntry(parsePasswd(renderLines(after)), entry.name)).toEqual(entry)
      expect(renderLines(removeEntry(after, entry.name)).replace(/\n$/, '')).toBe(renderLines(before).replace(/\n$/, ''))
    }),
  )
})

describe('passwd', () => {
  test('reads what the C library reads', () => {
    const table = parsePasswd(passwd)
    expect(table.entries.map((entry) => entry.name)).toEqual(['root', 'daemon', 'alice'])
    expect(findEntry(table, 'alice')).toEqual({
      name: 'alice',
      password: 'x',
      uid: 1000,
      gid: 1000,
      gecos: 'Alice,,,',
      home: '/home/alice',
      shell: '/bin/bash',
    })
    expect(malformedLines(table)).toEqual(['short:x:5', 'long:x:1:1::/:/bin/sh:more'])
  })

  test('new entries go before the NIS line', () => {
    expect(renderLines(upsertEntry(parsePasswd(passwd), bob))).toBe(passwd.replace('+:', 'bob:x:1001:1001::/home/bob:/bin/sh\n+:'))
  })

  test('a missing final newline is added only when a line follows', () => {
    const table = parsePasswd('root:x:0:0::/root:/bin/sh')
    expect(renderLines(upsertEntry(table, bob))).toBe('root:x:0:0::/root:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\n')
    expect(renderLines(upsertEntry(table, { ...bob, name: 'root', uid: 0 }))).toBe('root:x:0:1001::/home/bob:/bin/sh')
  })

  test.each([
    { gecos: 'a:b' },
    { gecos: 'a\nroot::0:0:::' },
    { home: '/h\0' },
    { name: '' },
    { name: '+bob' },
    { name: '#bob' },
    { name: 'a:b' },
    { uid: -1 },
    { uid: 1.5 },
    { gid: 2 ** 32 - 1 },
  ])('refuses %j', (change) => {
    expect(() => upsertEntry(parsePasswd(passwd), { ...bob, ...change })).toThrow(RangeError)
  })
})

test('shadow: empty fields are absent numbers', () => {
  const table = parseShadow('root:*:19500:0:99999:7:::\nbad:*:x:0:99999:7:::\n')
  expect(table.entries).toEqual([{ name: 'root', password: '*', lastChangeDay: 19500, minAgeDays: 0, maxAgeDays: 99999, warnDays: 7 }])
  const changed = upsertEntry(table, { name: 'root', password: '$6$a$b', lastChangeDay: 0, expireDay: 1 })
  expect(renderLines(changed)).toBe('root:$6$a$b:0:::::1:\nbad:*:x:0:99999:7:::\n')
  expect(() => upsertEntry(table, { name: 'root', password: '', maxAgeDays: Number.NaN })).toThrow(RangeError)
})

test('group: members are a list', () => {
  const table = parseGroup('sudo:x:27:alice,,bob\n')
  expect(table.entries).toEqual([{ name: 'sudo', password: 'x', gid: 27, members: ['alice', 'bob'] }])
  expect(renderLines(upsertEntry(table, { name: 'sudo', password: 'x', gid: 27, members: ['alice', 'bob', 'eve'] }))).toBe(
    'sudo:x:27:alice,bob,eve\n',
  )
  expect(() => upsertEntry(table, { name: 'sudo', password: 'x', gid: 27, members: ['a,b'] })).toThrow(RangeError)
})

test('gshadow: administrators and members', () => {
  expect(parseGshadow('sudo:*::alice\nshadow:!:root:\n').entries).toEqual([
    { name: 'sudo', password: '*', administrators: [], members: ['alice'] },
    { name: 'shadow', password: '!', administrators: ['root'], members: [] },
  ])
})

test.each([
  ['alice', true, true],
  ['www-data', true, true],
  ['_apt', true, false],
  ['machine$', true, true],
  ['first.last', true, false],
  ['Alice', true, false],
  ['0day', true, false],
  ['1000', false, false],
  ['-x', false, false],
  ['..', false, false],
  ['a b', false, false],
  ['a\n', false, false],
  ['\u00e4', false, false],
  ['', false, false],
  ['a'.repeat(33), false, false],
])('name %j', (name, valid, portable) => {
  expect([isAccountName(name), isPortableAccountName(name)]).toEqual([valid, portable])
})
