import { describe, expect, test } from 'vitest'
import { parsed, problemsOf, publicKey, sha512Hash } from '../testing/parse.ts'

const defaults = {
  groups: [],
  create_groups: true,
  no_user_group: false,
  no_create_home: false,
  system: false,
  lock_passwd: true,
  sudo: [],
  ssh_authorized_keys: [],
  ssh_redirect_user: false,
}
const names = (yaml: string) => parsed(yaml).users?.map((user) => ('name' in user ? user.name : 'the default'))
const first = (yaml: string) => parsed(`users: [{name: bob, ${yaml}}]`).users?.[0]

describe('users', () => {
  test.each([
    ['users: [default, bob]', ['the default', 'bob']],
    ['users: bob, alice', ['bob', 'alice']],
    ['users: ["bob,alice", [carol, bob]]', ['bob', 'alice', 'carol']],
    ['users: {bob: true, alice: no, default: 1, carol: {shell: /bin/sh}}', ['bob', 'the default', 'carol']],
    ['users: [{name: default}, {name: bob}]', ['the default', 'bob']],
    ['users: []', []],
  ])('%s', (yaml, expected) => {
    expect(names(yaml)).toEqual(expected)
  })

  test('only what is given departs from the defaults', () => {
    expect(first('')).toEqual({ name: 'bob', ...defaults })
  })

  test.each([
    ['groups: "adm, sudo"', { groups: ['adm', 'sudo'] }],
    ['groups: [adm, "sudo,users"]', { groups: ['adm', 'sudo', 'users'] }],
    ['sudo: "ALL=(ALL) NOPASSWD:ALL"', { sudo: ['ALL=(ALL) NOPASSWD:ALL'] }],
    ['sudo: ["ALL=(ALL) ALL", "bob ALL=/bin/ls"]', { sudo: ['ALL=(ALL) ALL', 'bob ALL=/bin/ls'] }],
    ['sudo: false', { sudo: [] }],
    ['sudo: null', { sudo: [] }],
    ['lock_passwd: "False"', { lock_passwd: false }],
    ['lock-passwd: false, ssh-authorized-keys: ["KEY"]', { lock_passwd: false, ssh_authorized_keys: [publicKey] }],
    ['ssh_authorized_keys: "KEY"', { ssh_authorized_keys: [publicKey] }],
    [
      'uid: "1234", gecos: "Bob, Room 1", homedir: /srv/bob, shell: /bin/sh',
      { uid: 1234, gecos: 'Bob, Room 1', homedir: '/srv/bob', shell: '/bin/sh' },
    ],
    ['expiredate: 2030-02-28, inactive: "5"', { expiredate: '2030-02-28', inactive: 5 }],
    [
      'primary_group: staff, no_user_group: true, system: true, no_create_home: true',
      { primary_group: 'staff', no_user_group: true, system: true, no_create_home: true },
    ],
    ['no_log_init: true', {}],
  ])('%s', (yaml, expected) => {
    expect(first(yaml.replace('KEY', publicKey))).toEqual({ name: 'bob', ...defaults, ...expected })
  })

  test('groups as a map without values, as older releases took them', () => {
    expect(first('groups: {adm: , sudo: }')).toMatchObject({ groups: ['adm', 'sudo'] })
  })

  test.each([
    [`passwd: "${sha512Hash}"`, 'hash', true, sha512Hash],
    [`hashed_passwd: "${sha512Hash}"`, 'hash', false, sha512Hash],
    ['plain_text_passwd: hello', 'plain', false, 'hello'],
    [`plain_text_passwd: hello, hashed_passwd: "${sha512Hash}", passwd: "*"`, 'hash', false, sha512Hash],
    ['plain_text_passwd: hello, passwd: "*"', 'plain', false, 'hello'],
    ['passwd: "!"', 'hash', true, '!'],
    ['passwd: "!$6$salt$abcdefghijklmnop"', 'hash', true, '!$6$salt$abcdefghijklmnop'],
    ['passwd: abcdefghijk/.', 'hash', true, 'abcdefghijk/.'],
  ])('%s', (yaml, type, onlyNew, value) => {
    const user = first(yaml)
    const password = user !== undefined && 'password' in user ? user.password : undefined
    expect(password).toMatchObject({ type, only_new: onlyNew })
    expect(password !== undefined && 'value' in password && password.value.reveal()).toBe(value)
  })

  test.each([
    ['users: [{name: "b:b"}]', 'INPUT_NAME_INVALID users[0].name 1'],
    ['users: ["b b"]', 'INPUT_NAME_INVALID users[0] 1'],
    ['users: ["0"]', 'INPUT_NAME_INVALID users[0] 1'],
    [`users: [${'a'.repeat(33)}]`, 'INPUT_NAME_INVALID users[0] 1'],
    ['users: [-x]', 'INPUT_NAME_INVALID users[0] 1'],
    ['users: {"b/b": true}', 'INPUT_NAME_INVALID users.b/b 1'],
    ['users: [{shell: /bin/sh}]', 'INPUT_INVALID users[0].name 1'],
    ['users: [{name: default, shell: /bin/sh}]', 'INPUT_INVALID users[0] 1'],
    ['users: [bob, {name: bob, shell: /bin/sh}]', 'INPUT_INVALID users[1] 1'],
    ['users: [1.5, true]', 'INPUT_INVALID users[1] 1'],
    ['users: true', 'INPUT_INVALID users 1'],
    ['users: [{name: b, groups: "a:b"}]', 'INPUT_NAME_INVALID users[0].groups 1'],
    ['users: [{name: b, gecos: "a:b"}]', 'INPUT_INVALID users[0].gecos 1'],
    ['users: [{name: b, gecos: "a\\nb"}]', 'INPUT_INVALID users[0].gecos 1'],
    ['users: [{name: b, shell: "/bin/sh\\nx"}]', 'INPUT_INVALID users[0].shell 1'],
    ['users: [{name: b, shell: sh}]', 'INPUT_PATH_INVALID users[0].shell 1'],
    ['users: [{name: b, homedir: /a:b}]', 'INPUT_INVALID users[0].homedir 1'],
    ['users: [{name: b, uid: -1}]', 'INPUT_INVALID users[0].uid 1'],
    ['users: [{name: b, uid: 4294967295}]', 'INPUT_INVALID users[0].uid 1'],
    ['users: [{name: b, expiredate: 2030-02-30}]', 'INPUT_INVALID users[0].expiredate 1'],
    ['users: [{name: b, expiredate: soon}]', 'INPUT_INVALID users[0].expiredate 1'],
    ['users: [{name: b, sudo: true}]', 'INPUT_INVALID users[0].sudo 1'],
    ['users: [{name: b, sudo: "ALL\\nroot"}]', 'INPUT_INVALID users[0].sudo 1'],
    ['users: [{name: b, system: maybe}]', 'INPUT_INVALID users[0].system 1'],
  ])('%s is refused', (yaml, problem) => {
    expect(problemsOf(yaml)).toEqual([problem])
  })
})

describe('groups', () => {
  test.each([
    [
      'groups: "a, b"',
      [
        ['a', []],
        ['b', []],
      ],
    ],
    [
      'groups: [a, {b: [bob, alice]}, {b: [carol], c: "dan,eve"}]',
      [
        ['a', []],
        ['b', ['bob', 'alice', 'carol']],
        ['c', ['dan', 'eve']],
      ],
    ],
    [
      'groups: {a: [bob, bob], b: carol}',
      [
        ['a', ['bob']],
        ['b', ['carol']],
      ],
    ],
  ])('%s', (yaml, expected) => {
    expect(parsed(yaml).groups?.map(({ name, members }) => [name, members])).toEqual(expected)
  })

  test.each([
    ['groups: [a, "b:c"]', 'INPUT_NAME_INVALID groups[1] 1'],
    ['groups: [a, {b: ["x y"]}]', 'INPUT_NAME_INVALID groups[1].b 1'],
    ['groups: {a: true}', 'INPUT_INVALID groups.a 1'],
  ])('%s is refused', (yaml, problem) => {
    expect(problemsOf(yaml)).toEqual([problem])
  })
})
