import type { DeployRequest } from '@host-deployer/api'
import { findEntry, parsePasswd, parseShadow } from '@host-deployer/formats'
import { describe, expect, test } from 'vitest'
import { isPasswordOf } from '../strategies/accounts/password-hash.ts'
import { cloudConfig, testKeys } from '../testing/requests.ts'
import { createTestGuest, type TestGuest, type TestGuestOptions } from '../testing/test-guest.ts'

const { alice, bob } = testKeys

/** A guest with these lines in passwd(5), and a home for each. */
async function guestWith(accounts: readonly string[], tree: TestGuestOptions['tree'] = {}, id = 'debian-12') {
  const plain = await createTestGuest(id)
  const passwd = `${await plain.read('/etc/passwd')}${accounts.map((line) => `${line}\n`).join('')}`
  const names = accounts.map((line) => line.split(':')[0])
  const shadow = `${await plain.read('/etc/shadow')}${names.map((name) => `${name}:!:20000:0:99999:7:::\n`).join('')}`
  const homes = accounts.map((line) => [line.split(':')[5] ?? '', { directory: true, mode: 0o750 } as const])
  return createTestGuest(id, {
    tree: {
      '/etc/passwd': { content: passwd },
      '/etc/shadow': { content: shadow, mode: 0o640, gid: 42 },
      ...Object.fromEntries(homes),
      ...tree,
    },
  })
}

const person = (name: string, home = `/home/${name}`) => `${name}:x:1000:1000::${home}:/bin/bash`
const login = (yaml: string) => cloudConfig(`login_account: {${yaml}}`)
const shadowOf = async (guest: TestGuest, name: string) => findEntry(parseShadow((await guest.read('/etc/shadow')) ?? ''), name)
const sshd = (guest: TestGuest) => guest.read('/etc/ssh/sshd_config.d/00-host-deployer.conf')

/** Deploys; the same request again changes nothing and means the same account. */
async function deployed(guest: TestGuest, request: DeployRequest) {
  const result = await guest.deploy(request)
  expect(await guest.stage(request)).toMatchObject({ diff: [], loginAccount: result.loginAccount })
  return result
}

describe('which account', () => {
  test.each([
    ['root', '', ['bob', 'ann']],
    ['the shortest name', 'prefer_root: false', ['operator', 'bobby', 'ann']],
    ['of equal ones the first', 'prefer_root: false', ['bob', 'ann', 'eve']],
    ['not one that is excluded', 'prefer_root: false, never: [x]', ['x', 'ann']],
    ['root when there is nobody else', 'prefer_root: false, never: [x]', ['x']],
  ])('%s', async (_, yaml, names) => {
    const guest = await guestWith(names.map((name) => person(name)))
    const { loginAccount } = await deployed(guest, login(yaml))
    expect(loginAccount).toBe(yaml === '' || names.length === 1 ? 'root' : 'ann')
  })

  test('not a service with a home that is nowhere, not one outside /home', async () => {
    const guest = await guestWith([person('syslog'), person('a', '/srv/a'), 'svc:x:9:9::/home/svc:/usr/sbin/nologin', person('longer')], {
      '/home/syslog': undefined,
    })
    expect(await deployed(guest, login('prefer_root: false'))).toMatchObject({ loginAccount: 'longer' })
  })

  test('a guest whose root has no shell or no home', async () => {
    const plain = await createTestGuest('debian-12')
    const passwd = `${(await plain.read('/etc/passwd'))?.replace('root:/bin/bash', 'root:/usr/sbin/nologin')}${person('ann')}\n`
    const guest = await guestWith([], { '/etc/passwd': { content: passwd }, '/home/ann': { directory: true } })
    expect(await deployed(guest, login(''))).toMatchObject({ loginAccount: 'ann' })
    expect(await createTestGuest('debian-12').then((other) => other.stage(cloudConfig('hostname: web')))).toMatchObject({
      loginAccount: null,
    })
  })

  test('one that the same request makes', async () => {
    const guest = await guestWith([person('operator')])
    const request = cloudConfig('users: [{name: ann, plain_text_passwd: other}]\nlogin_account: {prefer_root: false, password: secret}')
    expect(await deployed(guest, request)).toMatchObject({ loginAccount: 'ann' })
    expect(isPasswordOf('secret', (await shadowOf(guest, 'ann'))?.password ?? '')).toBe(true)
  })

  test('nobody at all', async () => {
    const guest = await createTestGuest('debian-12', { tree: { '/etc/passwd': { content: 'daemon:x:1:1::/:/bin/sh\n' } } })
    await expect(guest.stage(login(''))).rejects.toMatchObject({ code: 'OPERATION_LOGIN_ACCOUNT_MISSING' })
  })
})

describe('an account that is named', () => {
  test('is made as a person would make it, with sudo', async () => {
    const guest = await createTestGuest('debian-12')
    expect(await deployed(guest, login(`name: ops, password: secret, ssh_authorized_keys: ['${alice}']`))).toMatchObject({
      loginAccount: 'ops',
    })
    expect(findEntry(parsePasswd((await guest.read('/etc/passwd')) ?? ''), 'ops')).toMatchObject({
      uid: 1000,
      home: '/home/ops',
      shell: '/bin/bash',
    })
    expect(await guest.read('/home/ops/.bashrc')).toBeDefined()
    expect(await guest.read('/home/ops/.ssh/authorized_keys')).toBe(`${alice}\n`)
    expect(await guest.read('/etc/sudoers.d/90-host-deployer-users')).toMatch(/^ops ALL=\(ALL\) NOPASSWD:\s?ALL$/m)
    expect(await sshd(guest)).toMatch(/\nPasswordAuthentication yes\n$/)
    expect(await sshd(guest)).not.toMatch(/PermitRootLogin/)
  })

  test('joins a group of its name', async () => {
    const guest = await createTestGuest('debian-12')
    await deployed(guest, login('name: staff'))
    expect(findEntry(parsePasswd((await guest.read('/etc/passwd')) ?? ''), 'staff')).toMatchObject({ uid: 1000, gid: 50 })
  })

  test('keeps what it has when it exists', async () => {
    const line = 'ops:x:1500:100:Operations:/srv/ops:/bin/sh'
    const guest = await guestWith([line])
    await deployed(guest, login(`name: ops, ssh_authorized_keys: ['${alice}']`))
    expect(await guest.read('/etc/passwd')).toContain(`\n${line}\n`)
    expect(await guest.access('/srv/ops/.ssh/authorized_keys')).toBe('0600 1500:100')
  })
})

describe('its password', () => {
  test('counts at once, whatever was in force, and wins over every other of the request', async () => {
    const guest = await guestWith([], {}, 'debian-12')
    await guest.deploy(cloudConfig('chpasswd: {users: [{name: root, password: old, type: text}]}'))
    expect((await shadowOf(guest, 'root'))?.lastChangeDay).toBe(0)
    await deployed(
      guest,
      cloudConfig('chpasswd: {users: [{name: root, password: old, type: text}]}\nssh_pwauth: false\nlogin_account: {password: new}'),
    )
    const entry = await shadowOf(guest, 'root')
    expect(isPasswordOf('new', entry?.password ?? '')).toBe(true)
    expect(entry?.lastChangeDay).toBeGreaterThan(20_000)
    expect(await sshd(guest)).toMatch(/PasswordAuthentication yes\nPermitRootLogin yes\n|PermitRootLogin yes\nPasswordAuthentication yes\n/)
  })

  test('a random one is told', async () => {
    const guest = await createTestGuest('debian-12')
    const { passwords } = await guest.deploy(login('password: RANDOM'))
    expect(isPasswordOf(passwords['root'] ?? '', (await shadowOf(guest, 'root'))?.password ?? '')).toBe(true)
  })

  test('without one nothing is locked or opened', async () => {
    const guest = await createTestGuest('debian-12')
    expect((await deployed(guest, login(''))).diff).toEqual([])
  })
})

describe('its keys', () => {
  test('come without a password, too, and root may use them', async () => {
    const guest = await createTestGuest('debian-12')
    const { diff } = await deployed(guest, login(`ssh_authorized_keys: ['${alice}']`))
    expect(diff.map(({ path }) => path)).toEqual([
      '/etc/ssh/sshd_config.d/00-host-deployer.conf',
      '/root/.ssh',
      '/root/.ssh/authorized_keys',
    ])
    expect(await sshd(guest)).toMatch(/\nPermitRootLogin yes\n$/)
  })

  test('replace those of the same comment, one with the same body, and no other line', async () => {
    const [, aliceBody] = alice.split(' ')
    const [, bobBody] = bob.split(' ')
    const ecdsa = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0C5iqZ4Qm9T1bGmQY9xgqs8aZqkq1Y0Cq6wYhVZbq+ mine'
    const before = `# comment\nfrom="10.0.0.0/8" ssh-ed25519 ${aliceBody} @platform\n${ecdsa}\nssh-ed25519 ${bobBody} other\nodd line\n`
    const guest = await createTestGuest('debian-12', { tree: { '/root/.ssh/authorized_keys': { content: before } } })
    const added = `ssh-ed25519 ${aliceBody} @platform`
    await deployed(guest, login(`ssh_authorized_keys: ['${added}'], remove_ssh_keys: {comment: '@platform', bodies: ['${bobBody}']}`))
    expect(await guest.read('/root/.ssh/authorized_keys')).toBe(`# comment\n${ecdsa}\nodd line\n${added}\n`)
  })

  test('a key that stays keeps its place', async () => {
    const before = `${alice}\n${bob}\n`
    const guest = await createTestGuest('debian-12', { tree: { '/root/.ssh/authorized_keys': { content: before, mode: 0o600 } } })
    await deployed(guest, login(`ssh_authorized_keys: ['${alice}'], remove_ssh_keys: {comment: alice@example}`))
    expect(await guest.read('/root/.ssh/authorized_keys')).toBe(before)
  })

  test('removing from nothing makes nothing', async () => {
    const guest = await createTestGuest('debian-12')
    expect((await deployed(guest, login('remove_ssh_keys: {comment: x}'))).diff).toEqual([])
  })

  test('bring back the home of an account that lost it', async () => {
    const guest = await guestWith([person('ops')], { '/home/ops': undefined })
    await deployed(guest, login(`name: ops, ssh_authorized_keys: ['${alice}']`))
    expect(await guest.access('/home/ops')).toMatch(/ 1000:1000$/)
    expect(await guest.access('/home/ops/.ssh')).toBe('0700 1000:1000')
  })

  test('that are none are refused', async () => {
    const guest = await createTestGuest('debian-12')
    const request = { ...login(''), login_account: { ...login('').login_account, ssh_authorized_keys: ['ssh-rsa x'] } } as DeployRequest
    await expect(guest.stage(request)).rejects.toMatchObject({ code: 'INPUT_SSH_KEY_INVALID' })
  })
})

describe('the cloud-init of the image', () => {
  const dropIn = (guest: TestGuest) => guest.read('/etc/cloud/cloud.cfg.d/zz-host-deployer.cfg')

  test('does not undo what was set for root', async () => {
    const guest = await createTestGuest('debian-12-cloud')
    await deployed(guest, cloudConfig('ssh_pwauth: false\ndisable_root: true\nlogin_account: {password: secret}'))
    expect(await dropIn(guest)).toMatch(/\nssh_pwauth: true\ndisable_root: false\n/)
  })

  test('does not lock its default user again', async () => {
    const guest = await guestWith([person('debian')], {}, 'debian-12-cloud')
    expect(await deployed(guest, login('prefer_root: false, password: secret'))).toMatchObject({ loginAccount: 'debian' })
    expect(await dropIn(guest)).toMatch(/lock_passwd: false/)
    expect(await dropIn(guest)).not.toMatch(/disable_root/)
  })

  test('keeps its default user beside the accounts of the platform', async () => {
    const guest = await createTestGuest('debian-12-cloud')
    await deployed(guest, cloudConfig(`users: [{name: cloudroot, ssh_authorized_keys: ['${alice}'], ssh_authorized_keys_only: true}]`))
    expect((await dropIn(guest)) ?? '').not.toMatch(/users/)
  })
})
