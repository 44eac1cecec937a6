import { describe, expect, test } from 'vitest'
import { isPasswordOf } from '../strategies/accounts/password-hash.ts'
import { cloudConfig, testHash } from '../testing/requests.ts'
import { testFacts } from '../testing/test-facts.ts'
import { createTestGuest, type TestGuest } from '../testing/test-guest.ts'
import { password } from './password.ts'
import { users } from './users.ts'

const guestOf = (tree = {}) => createTestGuest('debian-12', { facts: testFacts('debian-12'), operations: [users, password], tree })

async function shadowOf(guest: TestGuest, name: string) {
  const line = (await guest.read('/etc/shadow'))?.split('\n').find((text) => text.startsWith(`${name}:`))
  const [, hash = '', day = ''] = line?.split(':') ?? []
  return { hash, day }
}

describe('chpasswd', () => {
  test('sets a plain password, which has to be changed at the first login', async () => {
    const guest = await guestOf()
    const { diff } = await guest.deploy(cloudConfig('chpasswd: {users: [{name: root, password: secret, type: text}]}'))
    const { hash, day } = await shadowOf(guest, 'root')
    expect([isPasswordOf('secret', hash), day]).toEqual([true, '0'])
    expect(diff.map(({ path, sensitive }) => [path, sensitive])).toEqual([['/etc/shadow', true]])
  })

  test('expires nothing when told so, and no hash', async () => {
    const guest = await guestOf()
    await guest.deploy(cloudConfig('chpasswd: {expire: false, users: [{name: root, password: secret, type: text}]}'))
    expect((await shadowOf(guest, 'root')).day).toBe('20779')
    await guest.deploy(cloudConfig(`chpasswd: {users: [{name: root, password: ${testHash}}]}`))
    expect(await shadowOf(guest, 'root')).toEqual({ hash: testHash, day: '20780' })
  })

  test('leaves a password alone that is in force', async () => {
    const guest = await guestOf()
    const request = cloudConfig('chpasswd: {expire: false, users: [{name: root, password: secret, type: text}]}')
    await guest.deploy(request)
    const before = await shadowOf(guest, 'root')
    const again = await guest.deploy(request)
    expect(again.diff).toEqual([])
    expect(again.reports.map(({ outcome }) => outcome)).toEqual(['skipped', 'unchanged'])
    await guest.deploy(cloudConfig('chpasswd: {expire: false, users: [{name: root, password: other, type: text}]}'))
    const after = await shadowOf(guest, 'root')
    expect([after.day, isPasswordOf('other', after.hash), after.hash === before.hash]).toEqual(['20781', true, false])
  })

  test('unlocks the account, although "users" locks by default', async () => {
    const guest = await guestOf()
    const request = cloudConfig('users: [{name: alice}]\nchpasswd: {expire: false, users: [{name: alice, password: secret, type: text}]}')
    await guest.deploy(request)
    expect((await shadowOf(guest, 'alice')).hash).toMatch(/^\$6\$/)
    expect((await guest.stage(request)).diff).toEqual([])
  })

  test('wins over the password of "users"', async () => {
    const guest = await guestOf()
    const request = cloudConfig(
      'users: [{name: alice, plain_text_passwd: first}]\nchpasswd: {expire: false, users: [{name: alice, password: last, type: text}]}',
    )
    await guest.deploy(request)
    expect(isPasswordOf('last', (await shadowOf(guest, 'alice')).hash)).toBe(true)
    expect((await guest.stage(request)).diff).toEqual([])
  })

  test('makes random passwords and tells them once', async () => {
    const guest = await guestOf()
    const request = cloudConfig('chpasswd: {users: [{name: root, type: RANDOM}]}')
    const first = await guest.deploy(request)
    expect(Object.keys(first.passwords)).toEqual(['root'])
    expect(isPasswordOf(first.passwords['root'] ?? '', (await shadowOf(guest, 'root')).hash)).toBe(true)
    const second = await guest.deploy(request)
    expect(second.passwords['root']).not.toBe(first.passwords['root'])
    expect(JSON.stringify([first.reports, first.diff])).not.toContain(first.passwords['root'])
  })

  test('for nobody is refused', async () => {
    const guest = await guestOf()
    const request = cloudConfig('chpasswd: {users: [{name: nope, password: secret, type: text}]}')
    await expect(guest.stage(request)).rejects.toMatchObject({ code: 'OPERATION_USER_MISSING' })
  })

  test('replaces a hash of a method we cannot check', async () => {
    const guest = await guestOf({ '/etc/shadow': { content: 'root:$y$j9T$abc$def:19000:0:99999:7:::\n', mode: 0o640, gid: 42 } })
    await guest.deploy(cloudConfig('chpasswd: {expire: false, users: [{name: root, password: secret, type: text}]}'))
    expect(isPasswordOf('secret', (await shadowOf(guest, 'root')).hash)).toBe(true)
    expect(await guest.access('/etc/shadow')).toBe('0640 0:42')
  })

  test('adds the line that shadow lacks', async () => {
    const guest = await guestOf({ '/etc/shadow': { content: '', mode: 0o640, gid: 42 } })
    await guest.deploy(cloudConfig(`chpasswd: {users: [{name: root, password: ${testHash}}]}`))
    expect(await guest.read('/etc/shadow')).toBe(`root:${testHash}:20779::::::\n`)
  })
})

describe('password', () => {
  test('is for the default user', async () => {
    const guest = await guestOf()
    await guest.deploy(cloudConfig('password: secret\nchpasswd: {expire: false}'))
    const { hash, day } = await shadowOf(guest, 'debian')
    expect([isPasswordOf('secret', hash), day]).toEqual([true, '20779'])
  })

  test('without a default user has no effect, and that is said', async () => {
    const guest = await guestOf()
    const { diff, reports } = await guest.stage(cloudConfig('users: []\npassword: secret'))
    expect(diff).toEqual([])
    expect(reports.flatMap(({ diagnostics }) => diagnostics.map(({ code }) => code))).toEqual(['PASSWORD_NOT_SET'])
  })
})
