// What we write is accepted by the programs that read it.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toolPath } from '@host-deployer/driver-api'
import { snapshotTree } from '@host-deployer/guest-fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createRealDirectory, type RealDirectory } from '../testing/real-directory.ts'
import { cloudConfig, testHash, testKeys } from '../testing/requests.ts'
import { testFacts } from '../testing/test-facts.ts'
import { createTestGuest } from '../testing/test-guest.ts'
import { groupMembers } from './group-members.ts'
import { groups } from './groups.ts'
import { password } from './password.ts'
import { sshKeys } from './ssh-keys.ts'
import { sshServer } from './ssh-server.ts'
import { sudo } from './sudo.ts'
import { users } from './users.ts'

const request = cloudConfig(`
groups: [docker, {admins: [root, alice]}]
users:
  - default
  - {name: alice, gecos: "\u00c4lice Doe", groups: [sudo, wheel], plain_text_passwd: secret, lock_passwd: false, shell: /bin/bash,
     sudo: ["ALL=(ALL:ALL) NOPASSWD: ALL", "ALL=(www-data) /usr/bin/id, NOPASSWD: /usr/bin/df -h"], ssh_authorized_keys: ['${testKeys.bob}']}
  - {name: ALL, sudo: ALL=/bin/true}
  - {name: batch, system: true, homedir: /, shell: /usr/sbin/nologin}
  - {name: carol, uid: 1500, primary_group: users, expiredate: '2030-01-02', inactive: 5, passwd: ${testHash}}
chpasswd: {users: [{name: root, password: secret, type: text}]}
ssh_authorized_keys: ['${testKeys.alice}']
ssh_pwauth: true
disable_root: true
`)

function run(...argv: readonly [string, ...string[]]) {
  const { status, stdout, stderr } = spawnSync(argv[0], argv.slice(1), { encoding: 'utf8' })
  return { status, lines: `${stdout}${stderr}`.split('\n').filter((line) => line !== '') }
}

describe.each(['debian-10', 'debian-12', 'ubuntu-24.04'])('%s', (id) => {
  let before: RealDirectory
  let after: RealDirectory

  beforeAll(async () => {
    const operations = [groups, users, groupMembers, password, sudo, sshKeys, sshServer]
    const guest = await createTestGuest(id, { facts: testFacts(id), operations })
    before = createRealDirectory(await snapshotTree(guest.raw, toolPath('/')))
    await guest.deploy(request)
    after = createRealDirectory(await snapshotTree(guest.raw, toolPath('/')))
  })
  afterAll(() => {
    before[Symbol.dispose]()
    after[Symbol.dispose]()
  })

  test.each(['pwck', 'grpck'])('%s finds nothing that it did not find before', (tool) => {
    const complaints = ({ path }: RealDirectory) => run(tool, '-r', '-R', path).lines
    expect(complaints(after).filter((line) => !complaints(before).includes(line))).toEqual([])
  })

  test('visudo takes the rules', () => {
    expect(run('visudo', '-c', '-f', join(after.path, '/etc/sudoers.d/90-host-deployer-users'))).toMatchObject({ status: 0 })
  })

  test.each([
    ['alice', 2],
    ['ALL', 1],
    ['carol', 0],
  ])('sudo has rules for %s: %i', (user, count) => {
    const { status, lines } = run(
      'cvtsudoers',
      '-f',
      'sudoers',
      '-m',
      `user=${user}`,
      join(after.path, '/etc/sudoers.d/90-host-deployer-users'),
    )
    expect([status, lines.filter((line) => /^\w/.test(line)).length]).toEqual([0, count])
  })

  test('sshd runs with the settings asked for', () => {
    const key = join(after.path, 'host_key')
    run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', key)
    // sshd wants this directory even for a test, and has no option for another one.
    mkdirSync('/run/sshd', { recursive: true })
    const config = join(after.path, 'sshd_config')
    writeFileSync(config, after.read('/etc/ssh/sshd_config').replaceAll('Include /etc', `Include ${after.path}/etc`))
    const { status, lines } = run('/usr/sbin/sshd', '-T', '-f', config, '-h', key)
    expect([status, lines.filter((line) => /^(passwordauthentication|permitrootlogin)/.test(line)).sort()]).toEqual([
      0,
      ['passwordauthentication yes', 'permitrootlogin without-password'],
    ])
  })

  test.each(['/home/alice', '/root'])('the keys in %s are keys for OpenSSH', (home) => {
    const { status, lines } = run('ssh-keygen', '-l', '-f', join(after.path, home, '.ssh/authorized_keys'))
    expect([status, lines.length]).toEqual([0, 1])
  })
})
