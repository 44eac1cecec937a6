import { Secret, type UserRequest } from '@host-deployer/api'
import { describe, expect, test } from 'vitest'
import { cloudConfig, testHash } from '../testing/requests.ts'
import { testFacts } from '../testing/test-facts.ts'
import { createTestGuest, type TestGuestOptions } from '../testing/test-guest.ts'
import { groupMembers } from './group-members.ts'
import { groups } from './groups.ts'
import { password } from './password.ts'
import { users } from './users.ts'

const operations = [groups, users, groupMembers, password]
const guestOf = (id = 'debian-12', options: TestGuestOptions = {}) => createTestGuest(id, { facts: testFacts(id), operations, ...options })

const lineOf = (text: string | undefined, name: string) => text?.split('\n').find((line) => line.startsWith(`${name}:`))

async function accountOf(guest: Awaited<ReturnType<typeof guestOf>>, name: string) {
  return { passwd: lineOf(await guest.read('/etc/passwd'), name), shadow: lineOf(await guest.read('/etc/shadow'), name) }
}

const codes = (result: { reports: readonly { diagnostics: readonly { code: string }[] }[] }) =>
  result.reports.flatMap(({ diagnostics }) => diagnostics.map(({ code }) => code))

describe('a new user', () => {
  test('has its lines, its group and its home', async () => {
    const guest = await guestOf()
    await guest.deploy(cloudConfig('users: [{name: alice, gecos: Alice Doe, groups: [sudo, wheel], shell: /bin/bash}]'))
    expect(await accountOf(guest, 'alice')).toEqual({
      passwd: 'alice:x:1000:1001:Alice Doe:/home/alice:/bin/bash',
      shadow: 'alice:!:20779:0:99999:7:::',
    })
    const group = await guest.read('/etc/group')
    expect([lineOf(group, 'sudo'), lineOf(group, 'wheel'), lineOf(group, 'alice')]).toEqual([
      'sudo:x:27:alice',
      'wheel:x:1000:alice',
      'alice:x:1001:',
    ])
    expect(lineOf(await guest.read('/etc/gshadow'), 'wheel')).toBe('wheel:!::alice')
    expect(await guest.read('/etc/subuid')).toBe('alice:100000:65536\n')
    expect(await guest.access('/home/alice')).toBe('0755 1000:1001')
    expect(await guest.access('/home/alice/.profile')).toBe('0644 1000:1001')
    expect(await guest.read('/home/alice/.bashrc')).toBe(await guest.read('/etc/skel/.bashrc'))
  })

  test('of the system has a low number, no ageing, no home, no subordinate ids', async () => {
    const guest = await guestOf()
    await guest.deploy(cloudConfig('users: [{name: batch, system: true}]'))
    const { passwd, shadow } = await accountOf(guest, 'batch')
    expect(passwd).toMatch(/^batch:x:(9\d\d):9\d\d::\/home\/batch:\/bin\/sh$/)
    expect(shadow).toBe('batch:!:20779::::::')
    expect(await guest.read('/etc/subuid')).toBe('')
    await expect(guest.access('/home/batch')).rejects.toMatchObject({ kind: 'not-found' })
  })

  test('can bring its own number, group, expiry and hash; "passwd" is locked unless told otherwise', async () => {
    const guest = await guestOf()
    const request = `users: [{name: carol, uid: 1500, primary_group: users, expiredate: '2030-01-02', inactive: 5, passwd: ${testHash}, no_create_home: true}]`
    await guest.deploy(cloudConfig(request))
    expect(await accountOf(guest, 'carol')).toEqual({
      passwd: 'carol:x:1500:100::/home/carol:/bin/sh',
      shadow: `carol:!${testHash}:20779:0:99999:7:5:21916:`,
    })
  })

  test('follows login.defs and /etc/default/useradd', async () => {
    const guest = await guestOf('debian-12', {
      tree: {
        '/etc/login.defs': {
          content: 'UID_MIN 5000\nGID_MIN 5000\nHOME_MODE 0710\nUSERGROUPS_ENAB no\nPASS_MAX_DAYS 90\nSUB_UID_COUNT 0\nSUB_GID_COUNT 0\n',
        },
        '/etc/default/useradd': {
          content: 'SHELL=/bin/dash\nHOME=/srv/people\nGROUP=users\nINACTIVE=3\nCREATE_MAIL_SPOOL=yes\nSKEL=/etc/skeleton\n',
        },
        '/etc/skeleton/bin': { directory: true, mode: 0o750 },
        '/etc/skeleton/bin/run': { content: '#!/bin/sh\n', mode: 0o700 },
        '/etc/skeleton/own': { link: '/etc/skeleton/bin/run' },
        '/etc/skeleton/out': { link: '../../etc/motd' },
      },
    })
    await guest.deploy(cloudConfig('users: [{name: dave}]'))
    expect(await accountOf(guest, 'dave')).toEqual({
      passwd: 'dave:x:5000:100::/srv/people/dave:/bin/dash',
      shadow: 'dave:!:20779::90::3::',
    })
    expect(await guest.access('/srv/people')).toBe('0755 0:0')
    expect(await guest.access('/srv/people/dave')).toBe('0710 5000:100')
    expect(await guest.access('/srv/people/dave/bin')).toBe('0750 5000:100')
    expect(await guest.access('/srv/people/dave/own')).toBe('0700 5000:100')
    expect(await guest.access('/var/mail/dave')).toBe('0660 5000:8')
    expect(await guest.read('/etc/subuid')).toBe('')
    expect(await guest.raw.readlink('/srv/people/dave/own' as never)).toBe('/srv/people/dave/bin/run')
    expect(await guest.raw.readlink('/srv/people/dave/out' as never)).toBe('../../etc/motd')
  })

  test('gets no lines in files the guest does not have', async () => {
    const guest = await guestOf('debian-12', { tree: { '/etc/gshadow': undefined, '/etc/subuid': undefined, '/etc/subgid': undefined } })
    const { diff } = await guest.deploy(cloudConfig('users: [{name: alice, no_create_home: true}]'))
    expect(diff.map(({ path }) => path)).toEqual(['/etc/group', '/etc/passwd', '/etc/shadow'])
  })

  test('without a shadow file has its hash in passwd, out of sight', async () => {
    const guest = await guestOf('debian-12', { tree: { '/etc/shadow': undefined } })
    const { diff } = await guest.deploy(
      cloudConfig(`users: [{name: alice, no_create_home: true, lock_passwd: false, passwd: ${testHash}}]`),
    )
    expect(lineOf(await guest.read('/etc/passwd'), 'alice')).toBe(`alice:${testHash}:1000:1000::/home/alice:/bin/sh`)
    expect(diff.find(({ path }) => path === '/etc/passwd')?.sensitive).toBe(true)
    expect(
      (await guest.stage(cloudConfig(`users: [{name: alice, no_create_home: true, lock_passwd: false, passwd: ${testHash}}]`))).diff,
    ).toEqual([])
  })

  test('keeps what is in a home directory that exists', async () => {
    const guest = await guestOf('debian-12', { tree: { '/home/alice/notes': { content: 'mine\n', uid: 1234 } } })
    const result = await guest.deploy(cloudConfig('users: [{name: alice}]'))
    expect(codes(result)).toEqual(['HOME_EXISTS'])
    expect(result.diff.filter(({ path }) => path.startsWith('/home'))).toEqual([])
  })

  test('with a shell that is not there is told about', async () => {
    const guest = await guestOf()
    expect(codes(await guest.stage(cloudConfig('users: [{name: alice, shell: /bin/zsh}]')))).toEqual(['SHELL_MISSING'])
  })

  test('lines that nobody understands survive, in whatever encoding', async () => {
    const broken = Buffer.concat([
      Buffer.from('root:x:0:0:R'),
      Buffer.from([0xf6, 0xff]),
      Buffer.from('t:/root:/bin/bash\nbroken line\n\n#x\n+::::::\n'),
    ])
    const guest = await guestOf('debian-12', { tree: { '/etc/passwd': { content: broken } } })
    await guest.deploy(cloudConfig('users: [{name: alice, gecos: "\u00c4lice"}]'))
    const after = Buffer.from(await guest.raw.readFile('/etc/passwd' as never, { maxBytes: 9999 }))
    const line = Buffer.from('alice:x:1000:1000:\u00c4lice:/home/alice:/bin/sh\n')
    expect(after.equals(Buffer.concat([broken.subarray(0, -8), line, broken.subarray(-8)]))).toBe(true)
  })
})

describe('what cannot be', () => {
  test.each([
    ['OPERATION_UID_TAKEN', 'users: [{name: alice, uid: 0}]'],
    ['OPERATION_GROUP_MISSING', 'users: [{name: alice, groups: [nope], create_groups: false}]'],
    ['OPERATION_GROUP_MISSING', 'users: [{name: alice, primary_group: nope, create_groups: false}]'],
    ['OPERATION_GROUP_EXISTS', 'users: [{name: audio}]'],
  ])('%s', async (code, request) => {
    const guest = await guestOf()
    await expect(guest.stage(cloudConfig(request))).rejects.toMatchObject({ code })
  })

  // The parser refuses most of these by itself; a caller of the library may build its requests without it.
  test.each([
    ['INPUT_USER', { homedir: '/home/a:b' }],
    ['INPUT_USER', { homedir: 'home/alice' }],
    ['INPUT_USER', { shell: 'bash' }],
    ['INPUT_USER', { gecos: 'a\nroot::0:0:::' }],
    ['INPUT_USER', { uid: -1 }],
    ['INPUT_USER', { expiredate: '2030-02-30' }],
    ['INPUT_USER', { system: true, ssh_redirect_user: true }],
    ['INPUT_USER', { no_create_home: true, ssh_authorized_keys: ['ssh-ed25519 AAAA'] }],
    ['INPUT_USER', { ssh_redirect_user: true, ssh_authorized_keys: ['ssh-ed25519 AAAA'] }],
    ['INPUT_NAME_INVALID', { name: '../alice' }],
    ['INPUT_NAME_INVALID', { groups: ['a:b'] }],
    ['INPUT_PASSWORD_INVALID', { password: { type: 'hash', value: new Secret('$6$a:b'), only_new: false } }],
    ['INPUT_PASSWORD_INVALID', { password: { type: 'plain', value: new Secret('two\nlines'), only_new: false } }],
    ['INPUT_PASSWORD_INVALID', { password: { type: 'plain', value: new Secret(''), only_new: false } }],
  ] satisfies [string, Partial<UserRequest>][])('%s: %j', async (code, change) => {
    const guest = await guestOf()
    const request = cloudConfig('users: [{name: alice}]')
    const changed = (request.users ?? []).map((user) => ({ ...user, ...change }))
    await expect(guest.stage({ ...request, users: changed })).rejects.toMatchObject({ code })
  })

  test('a skeleton that would fill the memory', async () => {
    const half = new Uint8Array(33 * 1024 * 1024)
    const guest = await guestOf('debian-12', { tree: { '/etc/skel/a': { content: half }, '/etc/skel/b': { content: half } } })
    await expect(guest.stage(cloudConfig('users: [{name: alice}]'))).rejects.toMatchObject({ code: 'FS_TOO_LARGE' })
  })

  test('a guest without passwd(5)', async () => {
    const guest = await guestOf('debian-12', { tree: { '/etc/passwd': undefined } })
    await expect(guest.stage(cloudConfig('users: [{name: alice}]'))).rejects.toMatchObject({ code: 'GUEST_NO_ACCOUNTS' })
  })

  test('no number is left', async () => {
    const guest = await guestOf('debian-12', { tree: { '/etc/login.defs': { content: 'UID_MIN 0\nUID_MAX 2\n' } } })
    await expect(guest.stage(cloudConfig('users: [{name: alice}]'))).rejects.toMatchObject({ code: 'OPERATION_NO_FREE_ID' })
  })
})

describe('a user who exists', () => {
  test('keeps everything but password and lock', async () => {
    const guest = await guestOf()
    const result = await guest.deploy(
      cloudConfig('users: [{name: games, uid: 777, groups: [sudo], shell: /bin/bash, lock_passwd: false, plain_text_passwd: secret}]'),
    )
    expect(codes(result)).toEqual(['USER_EXISTS'])
    expect(result.diff.map(({ path }) => path)).toEqual(['/etc/shadow'])
    expect((await accountOf(guest, 'games')).shadow).toMatch(/^games:\$6\$[^:]+:20779:0:99999:7:::$/)
  })

  test('is locked by default, unlocked when asked, its password kept', async () => {
    const guest = await guestOf()
    await guest.deploy(cloudConfig(`users: [{name: root, lock_passwd: false, hashed_passwd: ${testHash}}]`))
    await guest.deploy(cloudConfig('users: [{name: root}]'))
    expect((await accountOf(guest, 'root')).shadow).toBe(`root:!${testHash}:20779:0:99999:7:::`)
    await guest.deploy(cloudConfig('users: [{name: root, lock_passwd: false}]'))
    expect((await accountOf(guest, 'root')).shadow).toBe(`root:${testHash}:20779:0:99999:7:::`)
  })

  test('without a password is never opened to everybody', async () => {
    const guest = await guestOf('debian-12', { tree: { '/etc/shadow': { content: 'root:!::0:99999:7:::\n', mode: 0o640, gid: 42 } } })
    const result = await guest.stage(cloudConfig('users: [{name: root, lock_passwd: false}]'))
    expect(codes(result)).toEqual(['USER_EXISTS', 'PASSWORD_NOT_SET'])
    expect(result.diff).toEqual([])
  })

  test('does not take "passwd"', async () => {
    const guest = await guestOf()
    const result = await guest.stage(cloudConfig(`users: [{name: games, lock_passwd: false, passwd: ${testHash}}]`))
    expect(codes(result)).toEqual(['USER_EXISTS', 'PASSWORD_NOT_SET', 'PASSWORD_NOT_SET'])
    expect(result.diff).toEqual([])
  })
})

describe('groups', () => {
  test('are made once, with members who exist by then', async () => {
    const guest = await guestOf()
    const request = cloudConfig('groups: [docker, {sudo: [root, alice, nope]}]\nusers: [alice]')
    expect(codes(await guest.deploy(request))).toEqual(['GROUP_MEMBER_MISSING'])
    const group = await guest.read('/etc/group')
    expect([lineOf(group, 'docker'), lineOf(group, 'sudo')]).toEqual(['docker:x:1000:', 'sudo:x:27:root,alice'])
    expect(lineOf(await guest.read('/etc/gshadow'), 'sudo')).toBe('sudo:*::root,alice')
    expect((await guest.stage(request)).diff).toEqual([])
  })
})

describe('the default user', () => {
  const names = async (request: string, facts = {}) => {
    const guest = await guestOf('debian-12', { facts: testFacts('debian-12', facts) })
    const before = await guest.read('/etc/passwd')
    await guest.deploy(cloudConfig(request))
    return (await guest.read('/etc/passwd'))
      ?.slice(before?.length)
      .split('\n')
      .map((line) => line.split(':')[0])
      .filter(Boolean)
  }
  const key = 'ssh_authorized_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGnJBDU0hucKasy+FH2wrjq81IokE3tMi0+yqdxKbVOD]'

  test.each([
    ['users: [default]', ['debian']],
    ['users: [alice, default, bob]', ['alice', 'debian', 'bob']],
    ['users: [alice]', ['alice']],
    [`users: []\n${key}`, []],
    [key, ['debian']],
    ['password: secret', ['debian']],
    ['chpasswd: {users: [{name: debian, password: secret, type: text}]}', ['debian']],
    ['chpasswd: {users: [{name: root, password: secret, type: text}]}', []],
    ['ssh_pwauth: true', []],
  ])('%j makes %j', async (request, expected) => {
    expect(await names(request)).toEqual(expected)
  })

  test.each([
    ['cloud', 'cloud'],
    ['../etc', 'debian'],
  ])("the image's cloud-init would name it %s: it is %s", async (defaultUser, expected) => {
    const cloudInit = { installed: true, disabled: false, datasources: null, defaultUser }
    expect(await names('users: [default]', { cloudInit })).toEqual([expected])
  })

  test('takes settings from an entry of its name', async () => {
    const guest = await guestOf()
    await guest.deploy(cloudConfig('users: [default, {name: debian, shell: /bin/dash, groups: [docker]}]'))
    expect((await accountOf(guest, 'debian')).passwd).toBe('debian:x:1000:1001:Debian:/home/debian:/bin/dash')
    expect(lineOf(await guest.read('/etc/group'), 'docker')).toBe('docker:x:1000:debian')
    expect(lineOf(await guest.read('/etc/group'), 'sudo')).toBe('sudo:x:27:debian')
  })
})
