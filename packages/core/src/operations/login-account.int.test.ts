// What we write is accepted by the programs that read it. Needs: passwd, sudo, openssh-server.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toolPath } from '@host-deployer/driver-api'
import { snapshotTree } from '@host-deployer/guest-fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createRealDirectory, type RealDirectory } from '../testing/real-directory.ts'
import { cloudConfig, testKeys } from '../testing/requests.ts'
import { createTestGuest } from '../testing/test-guest.ts'

const request = cloudConfig(`
users: [{name: cloudroot, system: true, homedir: /opt/cloudroot, ssh_authorized_keys: ['${testKeys.bob}'], ssh_authorized_keys_only: true}]
ssh_pwauth: false
login_account: {password: secret, ssh_authorized_keys: ['${testKeys.alice}']}
`)
const named = cloudConfig('login_account: {name: ops, password: secret}')

function run(...argv: readonly [string, ...string[]]) {
  const { status, stdout, stderr } = spawnSync(argv[0], argv.slice(1), { encoding: 'utf8' })
  return { status, lines: `${stdout}${stderr}`.split('\n').filter((line) => line !== '') }
}

describe.each(['debian-10', 'debian-13', 'ubuntu-18.04', 'ubuntu-24.04'])('%s', (id) => {
  let before: RealDirectory
  let after: RealDirectory

  beforeAll(async () => {
    const guest = await createTestGuest(id)
    before = createRealDirectory(await snapshotTree(guest.raw, toolPath('/')))
    await guest.deploy(request)
    await guest.deploy(named)
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

  test('passwd says that both have a password, and that the account of the platform has none and no end', () => {
    const status = (name: string) => (run('passwd', '--root', after.path, '--status', name).lines[0] ?? '').split(' ').slice(1)
    expect(status('root')[0]).toBe('P')
    expect(status('ops')[0]).toBe('P')
    const [lock, , ...ageing] = status('cloudroot')
    expect([lock, ...ageing]).toEqual(['L', '-1', '-1', '-1', '-1'])
  })

  test('sshd lets root and passwords in', () => {
    const key = join(after.path, 'host_key')
    run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', key)
    // sshd wants this directory even for a test, and has no option for another one.
    mkdirSync('/run/sshd', { recursive: true })
    const config = join(after.path, 'sshd_config')
    // Today's sshd has forgotten options of the oldest guests.
    const text = after.read('/etc/ssh/sshd_config').replaceAll('Include /etc', `Include ${after.path}/etc`)
    writeFileSync(config, text.replaceAll('ChallengeResponseAuthentication', 'KbdInteractiveAuthentication'))
    const { status, lines } = run('/usr/sbin/sshd', '-T', '-f', config, '-h', key)
    expect([status, lines.filter((line) => /^(passwordauthentication|permitrootlogin)/.test(line)).sort()]).toEqual([
      0,
      ['passwordauthentication yes', 'permitrootlogin yes'],
    ])
  })

  test('visudo takes the rules', () => {
    expect(run('visudo', '-c', '-f', join(after.path, '/etc/sudoers.d/90-host-deployer-users'))).toMatchObject({ status: 0 })
  })
})
