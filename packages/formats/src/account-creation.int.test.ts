// useradd creates the same accounts, byte for byte, as we do.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { allocateId, allocateSystemId } from './account-ids.ts'
import { upsertEntry } from './colon-table.ts'
import { parseGroup } from './group.ts'
import { parseGshadow } from './gshadow.ts'
import { renderLines } from './line-file.ts'
import { parseLoginDefs } from './login-defs.ts'
import { parsePasswd } from './passwd.ts'
import { parseShadow } from './shadow.ts'
import { addSubid, allocateSubid, parseSubid } from './subid.ts'

const base = {
  passwd:
    'root:x:0:0:root:/root:/bin/bash\nsys1:x:990:990::/:/usr/sbin/nologin\nold:x:1004:1004::/home/old:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n',
  shadow: 'root:*:19000:0:99999:7:::\nsys1:!:19000::::::\nold:!:19000:0:99999:7:::\nnobody:*:19000:0:99999:7:::\n',
  group: 'root:x:0:\nsudo:x:27:old\nsys1:x:990:\nold:x:1004:\nnogroup:x:65534:\n',
  gshadow: 'root:*::\nsudo:*::old\nsys1:!::\nold:!::\nnogroup:*::\n',
  subuid: 'old:100000:65536\n',
  subgid: 'old:100000:65536\n',
  'login.defs':
    'UID_MIN 1000\nUID_MAX 60000\nGID_MIN 1000\nGID_MAX 60000\nUSERGROUPS_ENAB yes\nPASS_MIN_DAYS 0\nPASS_MAX_DAYS 99999\nPASS_WARN_AGE 7\nENCRYPT_METHOD SHA512\n',
}
type Name = keyof typeof base

let root = ''
const etc = (name: string) => join(root, 'etc', name)
const read = (name: Name) => readFileSync(etc(name), 'utf8')

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'formats-'))
  mkdirSync(join(root, 'etc', 'default'), { recursive: true })
  for (const [name, text] of Object.entries(base)) writeFileSync(etc(name), text, { mode: 0o600 })
  writeFileSync(join(root, 'etc', 'default', 'useradd'), 'SHELL=/bin/bash\n')
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

function run(...argv: readonly [string, ...string[]]): void {
  const { status, stderr } = spawnSync(argv[0], argv.slice(1), { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${status}: ${stderr}`)
}

describe('shadow-utils', () => {
  test('an ordinary user with a group of its own, subordinate ids and a supplementary group', () => {
    const defs = parseLoginDefs(base['login.defs'])
    const tables = {
      passwd: parsePasswd(base.passwd),
      shadow: parseShadow(base.shadow),
      group: parseGroup(base.group),
      gshadow: parseGshadow(base.gshadow),
      subuid: parseSubid(base.subuid),
      subgid: parseSubid(base.subgid),
    }
    const uid =
      allocateId(
        tables.passwd.entries.map((entry) => entry.uid),
        defs.uids,
      ) ?? -1
    const gid =
      allocateId(
        tables.group.entries.map((entry) => entry.gid),
        defs.gids,
        uid,
      ) ?? -1
    const owner = (file: typeof tables.subuid, range: typeof defs.subordinateUids) =>
      addSubid(file, { owner: 'alice', first: allocateSubid(file, range) ?? -1, count: range.count })

    run('useradd', '--prefix', root, '--comment', 'Alice', '--groups', 'sudo', '--no-create-home', 'alice')
    const lastChangeDay = parseShadow(read('shadow')).entries.at(-1)?.lastChangeDay
    const expected: Partial<Record<Name, string>> = {
      passwd: renderLines(
        upsertEntry(tables.passwd, { name: 'alice', password: 'x', uid, gid, gecos: 'Alice', home: '/home/alice', shell: '/bin/bash' }),
      ),
      shadow: renderLines(
        upsertEntry(tables.shadow, { name: 'alice', password: '!', lastChangeDay, minAgeDays: 0, maxAgeDays: 99999, warnDays: 7 }),
      ),
      group: renderLines(
        upsertEntry(upsertEntry(tables.group, { name: 'alice', password: 'x', gid, members: [] }), {
          name: 'sudo',
          password: 'x',
          gid: 27,
          members: ['old', 'alice'],
        }),
      ),
      gshadow: renderLines(
        upsertEntry(upsertEntry(tables.gshadow, { name: 'alice', password: '!', administrators: [], members: [] }), {
          name: 'sudo',
          password: '*',
          administrators: [],
          members: ['old', 'alice'],
        }),
      ),
      subuid: renderLines(owner(tables.subuid, defs.subordinateUids)),
      subgid: renderLines(owner(tables.subgid, defs.subordinateGids)),
    }
    for (const [name, text] of Object.entries(expected)) expect({ name, text: read(name as Name) }).toEqual({ name, text })
  })

  test('a system user comes from the top of the range', () => {
    const defs = parseLoginDefs(base['login.defs'])
    const uid = allocateSystemId(
      parsePasswd(read('passwd')).entries.map((entry) => entry.uid),
      defs.systemUids,
    )
    run('useradd', '--prefix', root, '--system', '--no-create-home', 'agent')
    expect(parsePasswd(read('passwd')).entries.find((entry) => entry.name === 'agent')?.uid).toBe(uid)
  })
})
