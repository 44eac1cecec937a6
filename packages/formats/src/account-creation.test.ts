import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { allocateId, allocateSystemId } from './account-ids.ts'
import { renderLines } from './line-file.ts'
import { parseLoginDefs } from './login-defs.ts'
import { addSubid, allocateSubid, parseSubid, removeSubids } from './subid.ts'
import { parseUseraddDefaults } from './useradd-defaults.ts'

describe('login.defs', () => {
  test('a Debian file', () => {
    const defs = parseLoginDefs(`#\n# /etc/login.defs\nMAIL_DIR        /var/mail
#MAIL_FILE      .mail
UMASK		027
#HOME_MODE	0700
UID_MIN			 1000
UID_MAX			60000
#SYS_UID_MIN		  100
SUB_UID_MIN		   100000
USERGROUPS_ENAB yes
ENCRYPT_METHOD YESCRYPT
ENV_PATH "PATH=/usr/bin:/bin"
PASS_MAX_DAYS	99999
PASS_MIN_DAYS	0
PASS_WARN_AGE	-1
`)
    expect(defs).toMatchObject({
      uids: { min: 1000, max: 60000 },
      systemUids: { min: 101, max: 999 },
      subordinateUids: { min: 100000, max: 600100000, count: 65536 },
      encryptMethod: 'YESCRYPT',
      umask: 0o027,
      homeMode: 0o750,
      userGroups: true,
      createHome: false,
      passMaxDays: 99999,
      passMinDays: 0,
      passWarnDays: undefined,
      mailDirectory: '/var/mail',
    })
    expect(defs.settings.get('ENV_PATH')).toBe('PATH=/usr/bin:/bin')
  })

  test('no file, odd numbers, repeated names', () => {
    expect(parseLoginDefs('')).toMatchObject({ uids: { min: 1000, max: 60000 }, umask: 0o022, homeMode: 0o755, userGroups: false })
    expect(parseLoginDefs('UID_MIN 500\nUID_MIN 0x400\nUID_MAX many\nHOME_MODE 0700\n')).toMatchObject({
      uids: { min: 1024, max: 60000 },
      systemUids: { max: 1023 },
      homeMode: 0o700,
    })
  })
})

test('useradd defaults', () => {
  expect(
    parseUseraddDefaults('# Default values for useradd(8)\nSHELL=/bin/bash\n# HOME=/home\nINACTIVE=-1\nEXPIRE=\nCREATE_MAIL_SPOOL=yes\n'),
  ).toEqual({
    shell: '/bin/bash',
    homeBase: '/home',
    skeleton: '/etc/skel',
    group: '100',
    inactiveDays: undefined,
    expireDate: undefined,
    createMailSpool: true,
  })
})

describe('ids', () => {
  const range = { min: 1000, max: 1003 }

  test.each([
    [[], undefined, 1000],
    [[0, 65534], undefined, 1000],
    [[1001], undefined, 1002],
    [[1003], undefined, 1000],
    [[1000, 1003], undefined, 1001],
    [[1000, 1001, 1002, 1003], undefined, undefined],
    [[1000], 1002, 1002],
    [[1002], 1002, 1003],
    [[1000], 5, 1001],
  ])('with %j in use and %j wanted: %j', (used, preferred, id) => {
    expect(allocateId(used, range, preferred)).toBe(id)
  })

  test.each([
    [[], 1003],
    [[1003], 1002],
    [[1000, 1003], 1002],
    [[1000, 1001, 1002, 1003], undefined],
  ])('system accounts from the top, with %j in use: %j', (used, id) => {
    expect(allocateSystemId(used, range)).toBe(id)
  })

  test('an id is free, in range, and found when there is one', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 998, max: 1005 })), (used) => {
        const free = [1000, 1001, 1002, 1003].filter((id) => !used.includes(id))
        for (const id of [allocateId(used, range), allocateSystemId(used, range)]) {
          if (id === undefined) expect(free).toEqual([])
          else expect(free).toContain(id)
        }
      }),
    )
  })
})

describe('subordinate ids', () => {
  const range = { min: 100_000, max: 300_000, count: 65_536 }

  test('the lowest gap', () => {
    expect(allocateSubid(parseSubid(''), range)).toBe(100_000)
    expect(allocateSubid(parseSubid('alice:100000:65536\n'), range)).toBe(165_536)
    expect(allocateSubid(parseSubid('bob:165536:65536\nalice:500:10\n'), range)).toBe(100_000)
    expect(allocateSubid(parseSubid('a:100000:65536\nb:165536:65536\nc:231072:65536\n'), range)).toBeUndefined()
    expect(allocateSubid(parseSubid(''), { ...range, count: 0 })).toBeUndefined()
  })

  test('add and remove', () => {
    const file = addSubid(parseSubid('# ours\nalice:100000:65536'), { owner: 'bob', first: 165_536, count: 65_536 })
    expect(renderLines(file)).toBe('# ours\nalice:100000:65536\nbob:165536:65536\n')
    expect(addSubid(file, { owner: 'bob', first: 165_536, count: 65_536 })).toBe(file)
    expect(renderLines(removeSubids(file, 'alice'))).toBe('# ours\nbob:165536:65536\n')
    expect(removeSubids(file, 'eve')).toBe(file)
    for (const bad of [{ owner: '' }, { owner: 'a:b' }, { owner: '#a' }, { first: -1 }, { count: 2 ** 32 }]) {
      expect(() => addSubid(file, { owner: 'x', first: 1, count: 1, ...bad })).toThrow(RangeError)
    }
  })

  test('ranges never overlap', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ owner: fc.constant('x'), first: fc.integer({ min: 0, max: 400_000 }), count: fc.nat(90_000) })),
        (entries) => {
          const file = parseSubid(entries.map(({ owner, first, count }) => `${owner}:${first}:${count}\n`).join(''))
          const first = allocateSubid(file, range)
          if (first === undefined) return
          expect(first).toBeGreaterThanOrEqual(range.min)
          for (const entry of entries) expect(first >= entry.first + entry.count || entry.first >= first + range.count).toBe(true)
        },
      ),
    )
  })
})
