// The same users made by shadow-utils and by us: the same files, byte for byte.
import { spawnSync } from 'node:child_process'
import type { DeployRequest, UserRequest } from '@host-deployer/api'
import { toolPath } from '@host-deployer/driver-api'
import { snapshotTree } from '@host-deployer/guest-fs'
import { expect, test } from 'vitest'
import { createRealDirectory, type RealDirectory } from '../testing/real-directory.ts'
import { cloudConfig, testHash } from '../testing/requests.ts'
import { testFacts } from '../testing/test-facts.ts'
import { createTestGuest } from '../testing/test-guest.ts'
import { groupMembers } from './group-members.ts'
import { groups } from './groups.ts'
import { users } from './users.ts'

const request = cloudConfig(`
groups: [docker, {plugdev: [root]}]
users:
  - {name: alice, gecos: 'Alice Doe,,,', groups: [sudo, docker, wheel], shell: /bin/bash}
  - {name: batch, system: true}
  - {name: batch2, system: true, uid: 500, shell: /usr/sbin/nologin}
  - {name: bob, no_user_group: true}
  - {name: carl, uid: 1500, expiredate: '2030-01-02', inactive: 5, no_create_home: true}
  - {name: dora, homedir: /srv/x/y}
  - {name: eve, primary_group: users, groups: [wheel], lock_passwd: false, passwd: ${testHash}}
  - {name: low, uid: 555}
  - {name: last}
  - {name: root, lock_passwd: false, hashed_passwd: ${testHash}}
  - {name: games, hashed_passwd: ${testHash}}
`)

function run(input: string, ...argv: readonly [string, ...string[]]): void {
  const { status, stderr } = spawnSync(argv[0], argv.slice(1), { encoding: 'utf8', input })
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${status}: ${stderr}`)
}

const hasLine = (tree: RealDirectory, path: string, name: string) =>
  tree
    .read(path)
    .split('\n')
    .some((line) => line.startsWith(`${name}:`))

/** What cloud-init runs for a user (Distro.add_user and create_user). */
function addUser(tree: RealDirectory, user: UserRequest): void {
  const root = ['-R', tree.path] as const
  if (!hasLine(tree, '/etc/passwd', user.name)) {
    const made = [...user.groups, ...(user.primary_group === undefined ? [] : [user.primary_group])]
    for (const group of made) if (!hasLine(tree, '/etc/group', group)) run('', 'groupadd', ...root, group)
    const options = [
      ...(user.gecos === undefined ? [] : ['--comment', user.gecos]),
      ...(user.homedir === undefined ? [] : ['--home', user.homedir]),
      ...(user.primary_group === undefined ? [] : ['--gid', user.primary_group]),
      ...(user.uid === undefined ? [] : ['--uid', String(user.uid)]),
      ...(user.groups.length === 0 ? [] : ['--groups', user.groups.join(',')]),
      ...(user.shell === undefined ? [] : ['--shell', user.shell]),
      ...(user.expiredate === undefined ? [] : ['--expiredate', user.expiredate]),
      ...(user.inactive === undefined ? [] : ['--inactive', String(user.inactive)]),
      ...(user.password?.only_new === true && user.password.type === 'hash' ? ['--password', user.password.value.reveal()] : []),
      ...(user.no_user_group ? ['--no-user-group'] : []),
      ...(user.system ? ['--system'] : []),
      user.no_create_home || user.system ? '-M' : '-m',
    ]
    run('', 'useradd', ...root, user.name, ...options)
  }
  if (user.password?.only_new === false && user.password.type === 'hash') {
    run(`${user.name}:${user.password.value.reveal()}\n`, 'chpasswd', ...root, '-e')
  }
  if (user.lock_passwd) run('', 'usermod', ...root, '--lock', user.name)
}

function deployWithShadowUtils(tree: RealDirectory, { groups = [], users = [] }: DeployRequest): void {
  for (const { name, members } of groups) {
    if (!hasLine(tree, '/etc/group', name)) run('', 'groupadd', '-R', tree.path, name)
    for (const member of members) run('', 'usermod', '-R', tree.path, '-a', '-G', name, member)
  }
  for (const user of users) if (!('default' in user)) addUser(tree, user)
}

const files = ['passwd', 'shadow', 'group', 'gshadow', 'subuid', 'subgid'].map((name) => `/etc/${name}`)
const homes = ['/home', '/srv', '/var/mail']
const isNeeded = (path: string) =>
  [...files, ...homes, '/etc/login.defs', '/etc/default', '/etc/skel'].some((start) => path.startsWith(start))

// Dates of today's tool become the test's.
const today = () => Math.floor(Date.now() / 86_400_000)
const withTestDay = (text: string, days: readonly number[]) =>
  text.replaceAll(/^([^:]*:[^:]*:)(\d+):/gm, (line, start, day) => (days.includes(Number(day)) ? `${start}20779:` : line))

test.each(['debian-10', 'debian-11', 'debian-12', 'debian-13', 'ubuntu-18.04', 'ubuntu-20.04', 'ubuntu-22.04', 'ubuntu-24.04'])(
  '%s',
  async (id) => {
    const skeleton = {
      '/etc/skel/run': { content: '#!/bin/sh\n', mode: 0o711 },
      '/etc/skel/inside': { link: '.profile' },
      '/etc/skel/own': { link: '/etc/skel/.profile' },
      '/etc/skel/outside': { link: '../../etc/motd' },
    } as const
    const guest = await createTestGuest(id, { facts: testFacts(id), operations: [groups, users, groupMembers], tree: skeleton })
    using theirs = createRealDirectory(await snapshotTree(guest.raw, toolPath('/')), isNeeded)
    const started = today()
    deployWithShadowUtils(theirs, request)
    await guest.deploy(request)
    using ours = createRealDirectory(await snapshotTree(guest.raw, toolPath('/')), isNeeded)

    for (const file of files) {
      expect(`${file}\n${ours.read(file)}`).toBe(`${file}\n${withTestDay(theirs.read(file), [started, today()])}`)
    }
    for (const home of homes) expect(ours.describe(home)).toEqual(theirs.describe(home))
  },
)

test('a skeleton with directories', async () => {
  const skeleton = {
    '/etc/skel/bin': { directory: true, mode: 0o750 },
    '/etc/skel/bin/deep': { directory: true, mode: 0o2770 },
    '/etc/skel/bin/deep/run': { content: '#!/bin/sh\n', mode: 0o711 },
    '/etc/skel/bin/up': { link: '../.profile' },
  } as const
  const guest = await createTestGuest('debian-12', { facts: testFacts('debian-12'), operations: [users], tree: skeleton })
  using theirs = createRealDirectory(await snapshotTree(guest.raw, toolPath('/')), isNeeded)
  // Inside a chroot useradd would want /proc for the directories.
  run('', 'useradd', '-P', theirs.path, '-k', `${theirs.path}/etc/skel`, '-m', 'alice')
  await guest.deploy(cloudConfig('users: [{name: alice}]'))
  using ours = createRealDirectory(await snapshotTree(guest.raw, toolPath('/')), isNeeded)
  expect(ours.describe('/home')).toEqual(theirs.describe('/home'))
})
