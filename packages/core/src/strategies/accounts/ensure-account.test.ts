import { findEntry, parseShadow } from '@host-deployer/formats'
import { describe, expect, test } from 'vitest'
import { cloudConfig, testKeys } from '../../testing/requests.ts'
import { createTestGuest, type TestGuest, type TestGuestOptions } from '../../testing/test-guest.ts'

const { alice, bob } = testKeys
const keysOf = (...keys: readonly string[]) =>
  `ssh_authorized_keys: [${keys.map((key) => `'${key}'`).join()}], ssh_authorized_keys_only: true`
const platform = (...keys: readonly string[]) =>
  cloudConfig(`users: [{name: cloudroot, system: true, homedir: /opt/cloudroot, ${keysOf(...keys)}}]`)
const file = '/opt/cloudroot/.ssh/authorized_keys'

/** A guest in which something else has made the account: another number, ageing, an end, a password to be changed at once. */
async function guestWithAccount(tree: TestGuestOptions['tree'] = {}): Promise<TestGuest> {
  const plain = await createTestGuest('debian-12')
  return createTestGuest('debian-12', {
    tree: {
      '/etc/passwd': { content: `${await plain.read('/etc/passwd')}cloudroot:x:1234:100:mine:/opt/cloudroot:/bin/sh\n` },
      '/etc/shadow': { content: `${await plain.read('/etc/shadow')}cloudroot:$6$abc$def:0:1:90:7:5:20000:\n`, mode: 0o640, gid: 42 },
      ...tree,
    },
  })
}

describe('an account of the platform that exists', () => {
  test('keeps its number and password, does not expire, and gets its home back', async () => {
    const guest = await guestWithAccount()
    const { reports } = await guest.deploy(platform(alice))
    expect(await guest.read('/etc/passwd')).toContain('\ncloudroot:x:1234:100:mine:/opt/cloudroot:/bin/sh\n')
    const { lastChangeDay, ...entry } = findEntry(parseShadow((await guest.read('/etc/shadow')) ?? ''), 'cloudroot') ?? {}
    // Locked, as the request says: a key is the only way in.
    expect(entry).toEqual({ name: 'cloudroot', password: '!$6$abc$def' })
    expect(lastChangeDay).toBeGreaterThan(20_000)
    expect(await guest.access('/opt/cloudroot')).toMatch(/ 1234:100$/)
    expect(await guest.access(file)).toBe('0600 1234:100')
    expect(reports.flatMap(({ diagnostics }) => diagnostics.map(({ code }) => code))).toContain('USER_EXISTS')
    expect((await guest.stage(platform(alice))).diff).toEqual([])
  })

  test('has exactly the keys of the request', async () => {
    const guest = await guestWithAccount({ [file]: { content: `# a comment\nodd line\n${bob}\n` } })
    await guest.deploy(platform(alice))
    expect(await guest.read(file)).toBe(`${alice}\n`)
    await guest.deploy(platform(bob, alice))
    expect(await guest.read(file)).toBe(`${bob}\n${alice}\n`)
    await guest.deploy(platform())
    expect(await guest.read(file)).toBe('')
  })
})

test('without keys no file is made', async () => {
  const guest = await createTestGuest('debian-12')
  await guest.deploy(platform())
  expect(await guest.read(file)).toBeUndefined()
  expect(await guest.access('/opt/cloudroot')).toBeDefined()
})

test('keys of another user are added as ever', async () => {
  const guest = await createTestGuest('debian-12', { tree: { '/root/.ssh/authorized_keys': { content: `${bob}\n` } } })
  await guest.deploy(cloudConfig(`users: [{name: root, ssh_authorized_keys: ['${alice}']}, {name: cloudroot, ${keysOf(alice)}}]`))
  expect(await guest.read('/root/.ssh/authorized_keys')).toBe(`${bob}\n${alice}\n`)
})

test('the default user is made beside it when something is for that one', async () => {
  const guest = await createTestGuest('debian-12')
  await guest.deploy(cloudConfig(`users: [{name: cloudroot, ${keysOf(alice)}}]\nssh_authorized_keys: ['${bob}']`))
  expect(await guest.read('/home/debian/.ssh/authorized_keys')).toBe(`${bob}\n`)
  expect(await guest.read('/home/cloudroot/.ssh/authorized_keys')).toBe(`${alice}\n`)
})
