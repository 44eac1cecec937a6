import { describe, expect, test } from 'vitest'
import { cloudConfig } from '../testing/requests.ts'
import { testFacts } from '../testing/test-facts.ts'
import { createTestGuest } from '../testing/test-guest.ts'
import { sudo } from './sudo.ts'
import { users } from './users.ts'

type Tree = NonNullable<Parameters<typeof createTestGuest>[1]>['tree']
const guestOf = (tree: Tree = {}) => createTestGuest('debian-12', { facts: testFacts('debian-12'), operations: [users, sudo], tree })
const ours = '/etc/sudoers.d/90-host-deployer-users'
const rulesIn = (text: string | undefined) => text?.split('\n').filter((line) => line !== '' && !line.startsWith('#'))

describe('sudo rules', () => {
  test('go to a file of our own, once', async () => {
    const guest = await guestOf()
    const request = cloudConfig(
      'users: [{name: alice, sudo: "ALL=(ALL) NOPASSWD:ALL"}, {name: bob, sudo: ["ALL=(www-data) /bin/ls", "ALL=/bin/df"]}]',
    )
    await guest.deploy(request)
    expect(rulesIn(await guest.read(ours))).toEqual(['alice ALL=(ALL) NOPASSWD:ALL', 'bob ALL=(www-data) /bin/ls', 'bob ALL=/bin/df'])
    expect(await guest.access(ours)).toBe('0440 0:0')
    expect((await guest.stage(request)).diff).toEqual([])
  })

  test("of one user replace that user's, and nobody else's", async () => {
    const guest = await guestOf()
    await guest.deploy(cloudConfig('users: [{name: alice, sudo: ALL=/bin/a}, {name: BOB, sudo: ALL=/bin/b}]'))
    await guest.deploy(cloudConfig('users: [{name: carol, sudo: ALL=/bin/c}, {name: alice, sudo: ALL=/bin/d}]'))
    expect(rulesIn(await guest.read(ours))).toEqual(['alice ALL=/bin/d', '"BOB" ALL=/bin/b', 'carol ALL=/bin/c'])
  })

  test.each(['ALL=(ALL) ALL #', 'ALL', 'ALL=(ALL ALL', 'ALL=ALL \\'])('%j is refused', async (rule) => {
    const guest = await guestOf()
    const request = cloudConfig('users: [{name: alice}]')
    const changed = { ...request, users: (request.users ?? []).map((user) => ({ ...user, sudo: [rule] })) }
    await expect(guest.stage(changed)).rejects.toMatchObject({ code: 'INPUT_SUDO_RULE' })
  })

  test('sudoers without the directory is told to read it', async () => {
    const guest = await guestOf({ '/etc/sudoers': { content: 'root ALL=(ALL) ALL', mode: 0o440 } })
    await guest.deploy(cloudConfig('users: [{name: alice, sudo: ALL=ALL}]'))
    expect(await guest.read('/etc/sudoers')).toBe('root ALL=(ALL) ALL\n#includedir /etc/sudoers.d\n')
    expect(await guest.access('/etc/sudoers')).toBe('0440 0:0')
  })

  test('without sudo are written for later, and that is said', async () => {
    const guest = await guestOf({ '/etc/sudoers': undefined, '/etc/sudoers.d': undefined, '/etc/sudoers.d/README': undefined })
    const { reports } = await guest.deploy(cloudConfig('users: [{name: alice, sudo: ALL=ALL}]'))
    expect(reports.flatMap(({ diagnostics }) => diagnostics.map(({ code }) => code))).toEqual(['SUDO_NOT_INSTALLED'])
    expect(await guest.access('/etc/sudoers.d')).toBe('0750 0:0')
    expect(await guest.read('/etc/sudoers')).toBeUndefined()
  })

  test('nobody asks for any: nothing happens', async () => {
    const guest = await guestOf()
    await guest.deploy(cloudConfig('users: [{name: alice, sudo: false}]'))
    expect(await guest.read(ours)).toBeUndefined()
  })
})
