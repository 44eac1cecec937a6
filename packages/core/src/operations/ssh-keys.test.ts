import { parseAuthorizedKeys } from '@host-deployer/formats'
import { describe, expect, test } from 'vitest'
import { cloudConfig, testKeys } from '../testing/requests.ts'
import { testFacts } from '../testing/test-facts.ts'
import { createTestGuest } from '../testing/test-guest.ts'
import { sshKeys } from './ssh-keys.ts'
import { users } from './users.ts'

type Tree = NonNullable<Parameters<typeof createTestGuest>[1]>['tree']
const guestOf = (tree: Tree = {}) => createTestGuest('debian-12', { facts: testFacts('debian-12'), operations: [users, sshKeys], tree })

const { alice, bob } = testKeys
const forAlice = `users: [{name: alice, ssh_authorized_keys: ['${alice}']}]`
const forDefault = `ssh_authorized_keys: ['${alice}']`
const codes = (result: { reports: readonly { diagnostics: readonly { code: string }[] }[] }) =>
  result.reports.flatMap(({ diagnostics }) => diagnostics.map(({ code }) => code))

const keysIn = (text: string | undefined) => parseAuthorizedKeys(text ?? '').entries.map(({ options, comment }) => ({ options, comment }))

describe("a user's keys", () => {
  test('belong to the user and to nobody else', async () => {
    const guest = await guestOf()
    await guest.deploy(cloudConfig(forAlice))
    expect(await guest.read('/home/alice/.ssh/authorized_keys')).toBe(`${alice}\n`)
    expect(await guest.access('/home/alice/.ssh')).toBe('0700 1000:1000')
    expect(await guest.access('/home/alice/.ssh/authorized_keys')).toBe('0600 1000:1000')
    expect(await guest.read('/root/.ssh/authorized_keys')).toBeUndefined()
  })

  test('join those that are there, line for line', async () => {
    const text = `# mine\n${bob}\r\nnot a key \xe4`
    const guest = await guestOf({ '/root/.ssh/authorized_keys': { content: Buffer.from(text, 'latin1'), mode: 0o644 } })
    const request = cloudConfig(`users: [{name: root, ssh_authorized_keys: ['${alice}', '${bob} with another comment']}]`)
    await guest.deploy(request)
    const after = Buffer.from(await guest.raw.readFile('/root/.ssh/authorized_keys' as never, { maxBytes: 9999 })).toString('latin1')
    expect(after).toBe(`${text}\n${alice}\n`)
    expect(await guest.access('/root/.ssh/authorized_keys')).toBe('0600 0:0')
    expect((await guest.stage(request)).diff).toEqual([])
  })

  test('tighten a directory that others could write', async () => {
    const guest = await guestOf({ '/root/.ssh': { directory: true, mode: 0o777, uid: 33, gid: 33 } })
    await guest.deploy(cloudConfig(`users: [{name: root, ssh_authorized_keys: ['${alice}']}]`))
    expect(await guest.access('/root/.ssh')).toBe('0700 0:0')
  })

  test('go through links without leaving the guest, and without touching the directory behind', async () => {
    const guest = await guestOf({ '/root/.ssh': { link: '../../../etc/keys/root' }, '/etc/keys/root': { directory: true, mode: 0o755 } })
    await guest.deploy(cloudConfig(`users: [{name: root, ssh_authorized_keys: ['${alice}']}]`))
    expect(await guest.read('/etc/keys/root/authorized_keys')).toBe(`${alice}\n`)
    expect(await guest.access('/etc/keys/root')).toBe('0755 0:0')
  })

  test('go through a link to nowhere to where it points', async () => {
    const guest = await guestOf({ '/root/.ssh': { link: '/data/ssh' } })
    await guest.deploy(cloudConfig(`users: [{name: root, ssh_authorized_keys: ['${alice}']}]`))
    expect(await guest.read('/data/ssh/authorized_keys')).toBe(`${alice}\n`)
    expect(await guest.access('/data/ssh')).toBe('0700 0:0')
  })

  test.each([
    ['.ssh/authorized_keys .ssh/authorized_keys2', '/home/alice/.ssh/authorized_keys', '0600 1000:1000', []],
    ['%h/.ssh/keys', '/home/alice/.ssh/keys', '0600 1000:1000', []],
    ['/etc/ssh/keys/%u /none', '/etc/ssh/keys/alice', '0644 0:0', []],
    ['/etc/ssh/keys/all', '/home/alice/.ssh/authorized_keys', '0600 1000:1000', ['SSH_KEYS_NOT_READ']],
    ['none', '/home/alice/.ssh/authorized_keys', '0600 1000:1000', ['SSH_KEYS_NOT_READ']],
  ])('are where AuthorizedKeysFile %j says', async (value, path, access, expected) => {
    const guest = await guestOf({ '/etc/ssh/sshd_config.d/a.conf': { content: `AuthorizedKeysFile ${value}\n` } })
    const result = await guest.deploy(cloudConfig(forAlice))
    expect(codes(result)).toEqual(expected)
    expect(await guest.read(path)).toBe(`${alice}\n`)
    expect(await guest.access(path)).toBe(access)
  })

  test('are written although there is no server yet', async () => {
    const guest = await guestOf({ '/etc/ssh/sshd_config': undefined })
    expect(codes(await guest.deploy(cloudConfig(forAlice)))).toEqual(['SSH_SERVER_ABSENT'])
    expect(await guest.read('/home/alice/.ssh/authorized_keys')).toBe(`${alice}\n`)
  })

  test('that are no keys are refused', async () => {
    const guest = await guestOf()
    const request = { ...cloudConfig(forDefault), ssh_authorized_keys: ['ssh-ed25519 AAAA\nALL'] }
    await expect(guest.stage(request)).rejects.toMatchObject({ code: 'INPUT_SSH_KEY_INVALID' })
  })
})

describe("the default user's keys", () => {
  test('come to root with a command that refuses', async () => {
    const guest = await guestOf()
    await guest.deploy(cloudConfig(forDefault))
    expect(await guest.read('/home/debian/.ssh/authorized_keys')).toBe(`${alice}\n`)
    const [key] = keysIn(await guest.read('/root/.ssh/authorized_keys'))
    expect(key?.options.slice(0, 3)).toEqual(['no-port-forwarding', 'no-agent-forwarding', 'no-X11-forwarding'])
    expect(key?.options[3]).toMatch(/^command=".*\\"debian\\".*\\"root\\".*exit 142"$/)
    expect(key?.comment).toBe('alice@example')
  })

  test('are not refused to root when that is the default user', async () => {
    const cloudInit = { installed: true, disabled: false, datasources: null, defaultUser: 'root' }
    const guest = await createTestGuest('debian-12', { facts: testFacts('debian-12', { cloudInit }), operations: [users, sshKeys] })
    await guest.deploy(cloudConfig(forDefault))
    expect(await guest.read('/root/.ssh/authorized_keys')).toBe(`${alice}\n`)
  })

  test('come to root as they are with disable_root: false, and go again', async () => {
    const guest = await guestOf()
    await guest.deploy(cloudConfig(forDefault))
    await guest.deploy(cloudConfig(`disable_root: false\n${forDefault}`))
    expect(await guest.read('/root/.ssh/authorized_keys')).toBe(`${alice}\n`)
    await guest.deploy(cloudConfig(`disable_root: true\n${forDefault}`))
    expect(keysIn(await guest.read('/root/.ssh/authorized_keys')).map(({ options }) => options.length)).toEqual([4])
  })

  test('disable_root_opts replaces the options', async () => {
    const guest = await guestOf()
    await guest.deploy(cloudConfig(`disable_root_opts: no-pty,command="echo $USER not $DISABLE_USER"\n${forDefault}`))
    expect(await guest.read('/root/.ssh/authorized_keys')).toBe(`no-pty,command="echo debian not root" ${alice}\n`)
    const broken = cloudConfig(`disable_root_opts: 'command="open'\n${forDefault}`)
    await expect(guest.stage(broken)).rejects.toMatchObject({ code: 'INPUT_SSH_KEY_INVALID', context: { path: 'disable_root_opts' } })
  })

  test('of the meta-data count, too', async () => {
    const guest = await guestOf()
    await guest.deploy(cloudConfig(forDefault, { metaData: `instance-id: i\npublic-keys: ['${bob}']\n` }))
    expect(
      keysIn(await guest.read('/home/debian/.ssh/authorized_keys'))
        .map(({ comment }) => comment)
        .sort(),
    ).toEqual(['alice@example', 'bob@example'])
  })

  test('without such a user are only refused to root, and that is said', async () => {
    const guest = await guestOf()
    const result = await guest.deploy(cloudConfig(`users: []\n${forDefault}`))
    expect(codes(result)).toEqual(['SSH_KEYS_WITHOUT_USER'])
    expect(keysIn(await guest.read('/root/.ssh/authorized_keys'))[0]?.options[3]).toContain('command=')
  })

  test('ssh_redirect_user sends others to the default user', async () => {
    const guest = await guestOf()
    const request = 'users: [default, {name: legacy, ssh_redirect_user: true}]'
    await guest.deploy(cloudConfig(request, { metaData: `instance-id: i\npublic-keys: ['${bob}']\n` }))
    expect(keysIn(await guest.read('/home/legacy/.ssh/authorized_keys'))[0]?.options[3]).toMatch(/debian.*legacy/)
    expect(codes(await guest.stage(cloudConfig(request)))).toContain('SSH_KEYS_WITHOUT_USER')
  })
})
