import { toolPath } from '@host-deployer/driver-api'
import { snapshotTree } from '@host-deployer/guest-fs'
import { expect, test } from 'vitest'
import { cloudConfig, testHash, testKeys } from '../testing/requests.ts'
import { testFacts } from '../testing/test-facts.ts'
import { createTestGuest } from '../testing/test-guest.ts'
import { groupMembers } from './group-members.ts'
import { groups } from './groups.ts'
import { password } from './password.ts'
import { sshKeys } from './ssh-keys.ts'
import { sudo } from './sudo.ts'
import { users } from './users.ts'

const request = cloudConfig(`
groups: [docker, {admins: [root, alice]}]
users:
  - default
  - name: alice
    groups: [sudo, wheel]
    lock_passwd: false
    passwd: ${testHash}
    sudo: ALL=(ALL) ALL
    ssh_authorized_keys: ['${testKeys.alice}']
  - name: batch
    system: true
  - name: carol
    uid: 1500
    primary_group: staffers
chpasswd:
  users: [{name: carol, password: ${testHash}}]
`)

const createGuest = () =>
  createTestGuest('debian-12', {
    facts: testFacts('debian-12'),
    operations: [groups, users, groupMembers, password, sudo, sshKeys],
    frozen: true,
  })
const treeOf = (raw: Awaited<ReturnType<typeof createGuest>>['raw']) => snapshotTree(raw, toolPath('/'))

/** Deploys until `calls` renames were made, then everything stops, as if the machine had. Which ones come first differs from seed to seed. */
async function deployInterrupted(calls: number, seed: number) {
  const guest = await createGuest()
  let renames = 0
  let turn = seed
  let stopped = false
  guest.raw.intercept(async ({ method }) => {
    if (stopped) return 'io'
    if (method !== 'rename') return undefined
    turn = (turn * 1103515245 + 12345) % 2147483648
    for (let wait = turn % 7; wait > 0; wait--) await Promise.resolve()
    if (stopped || renames++ === calls) {
      stopped = true
      return 'io'
    }
    return undefined
  })
  await guest.deploy(request).catch(() => undefined)
  guest.raw.intercept(undefined)
  return { guest, finished: !stopped }
}

test('the same request completes what an interrupted commit left', async () => {
  const whole = await createGuest()
  await whole.deploy(request)
  const expected = await treeOf(whole.raw)
  for (const seed of [1, 2, 3]) {
    for (let calls = 0; ; calls++) {
      const { guest, finished } = await deployInterrupted(calls, seed)
      if (finished) {
        expect(calls).toBeGreaterThan(8)
        break
      }
      await guest.deploy(request)
      expect(await treeOf(guest.raw)).toEqual(expected)
    }
  }
})
