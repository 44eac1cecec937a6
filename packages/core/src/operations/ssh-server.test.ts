import { globalSshdValue, parseSshdConfig } from '@host-deployer/formats'
import { describe, expect, test } from 'vitest'
import { cloudConfig } from '../testing/requests.ts'
import { testFacts } from '../testing/test-facts.ts'
import { createTestGuest } from '../testing/test-guest.ts'
import { sshServer } from './ssh-server.ts'

type Tree = NonNullable<Parameters<typeof createTestGuest>[1]>['tree']
const guestOf = (id: string, tree: Tree = {}) => createTestGuest(id, { facts: testFacts(id), operations: [sshServer], tree })
const ours = '/etc/ssh/sshd_config.d/00-host-deployer.conf'

describe('a server with a drop-in directory', () => {
  test('gets a drop-in, and the main file stays as it is', async () => {
    const guest = await guestOf('debian-12', {
      '/etc/ssh/sshd_config.d/50-cloud-init.conf': { content: 'PasswordAuthentication no\n', mode: 0o600 },
    })
    const { diff } = await guest.deploy(cloudConfig('ssh_pwauth: true'))
    expect(diff.map(({ path, kind }) => [path, kind])).toEqual([[ours, 'added']])
    expect(await guest.read(ours)).toMatch(/^#.*\nPasswordAuthentication yes\n$/)
  })

  test('what would be read earlier is changed in its place', async () => {
    const main =
      'Port 2222\nPasswordAuthentication yes\nInclude /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin no\nMatch User x\n  PasswordAuthentication yes\n'
    const guest = await guestOf('debian-12', {
      '/etc/ssh/sshd_config': { content: main },
      '/etc/ssh/sshd_config.d/00-a.conf': { content: 'passwordauthentication yes # mine\n' },
    })
    await guest.deploy(cloudConfig('ssh_pwauth: false\ndisable_root: false'))
    expect(await guest.read('/etc/ssh/sshd_config')).toBe(main.replace('PasswordAuthentication yes', 'PasswordAuthentication no'))
    expect(globalSshdValue(parseSshdConfig((await guest.read('/etc/ssh/sshd_config.d/00-a.conf')) ?? ''), 'PasswordAuthentication')).toBe(
      'no',
    )
    expect(await guest.read(ours)).toMatch(/^#.*\nPasswordAuthentication no\nPermitRootLogin yes\n$/)
  })

  test('settings of earlier requests stay', async () => {
    const guest = await guestOf('debian-12')
    await guest.deploy(cloudConfig('disable_root: false'))
    await guest.deploy(cloudConfig('ssh_pwauth: true'))
    expect(await guest.read(ours)).toMatch(/^#.*\nPermitRootLogin yes\nPasswordAuthentication yes\n$/)
    expect((await guest.stage(cloudConfig('ssh_pwauth: true'))).diff).toEqual([])
  })

  test('the directory is made when the main file names it', async () => {
    const guest = await guestOf('debian-12', {
      '/etc/ssh/sshd_config': { content: 'Include sshd_config.d/*.conf\n' },
      '/etc/ssh/sshd_config.d': undefined,
    })
    await guest.deploy(cloudConfig('ssh_pwauth: true'))
    expect(await guest.read(ours)).toBeDefined()
  })
})

describe('a server without one', () => {
  test('is told in its main file, before what would win', async () => {
    const guest = await guestOf('debian-10', { '/etc/ssh/sshd_config': { content: 'Port 22\nInclude /etc/ssh/other.conf\nMatch all\n' } })
    await guest.deploy(cloudConfig('ssh_pwauth: true'))
    expect(await guest.read('/etc/ssh/sshd_config')).toBe('Port 22\nPasswordAuthentication yes\nInclude /etc/ssh/other.conf\nMatch all\n')
  })
})

test('no server: nothing is written, and that is said', async () => {
  const guest = await guestOf('debian-12', { '/etc/ssh/sshd_config': undefined })
  const { diff, reports } = await guest.stage(cloudConfig('ssh_pwauth: true'))
  expect([diff, reports[0]?.outcome, reports[0]?.diagnostics.map(({ code }) => code)]).toEqual([[], 'skipped', ['SSH_SERVER_ABSENT']])
})

test.each(['ssh_pwauth: unchanged', 'disable_root: true', 'users: [alice]'])('%s is no matter of the server', async (request) => {
  const guest = await guestOf('debian-12')
  expect((await guest.stage(cloudConfig(request))).reports).toEqual([])
})
