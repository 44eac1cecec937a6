import { parseRequest, Secret } from '@host-deployer/api'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { cloudConfig, testHash, testKeys } from '../testing/requests.ts'
import { createTestGuest } from '../testing/test-guest.ts'

const dropIn = '/etc/cloud/cloud.cfg.d/zz-host-deployer.cfg'
const seed = (name: string) => `/var/lib/cloud/seed/nocloud/${name}`
const delegated = (files: Parameters<typeof parseRequest>[0], overrides = {}) =>
  parseRequest(files, { cloudInit: 'delegate', overrides }).request

describe('keep', () => {
  test('what an earlier deploy set stays set', async () => {
    const guest = await createTestGuest('debian-12-cloud')
    await guest.deploy(cloudConfig('hostname: web1\n'))
    await guest.deploy(cloudConfig('timezone: Etc/UTC\n'))
    expect(parse((await guest.read(dropIn)) ?? '')).toEqual({ preserve_hostname: true, hostname: 'web1', timezone: 'Etc/UTC' })
  })

  test('says who could still override it', async () => {
    const guest = await createTestGuest('debian-12-cloud')
    const codes = async (body: string) =>
      (await guest.stage(cloudConfig(body))).reports.flatMap(({ diagnostics }) => diagnostics.map(({ code }) => code))
    expect(await codes('timezone: Etc/UTC\n')).toEqual(['CLOUD_INIT_USER_DATA_WINS'])
    expect(await codes('network: {version: 2, ethernets: {eth0: {dhcp4: true}}}\n')).toEqual([])
  })

  test.each([
    ['growpart: {mode: auto}', undefined],
    ['growpart: {devices: []}', { mode: 'off' }],
    ["growpart: {mode: 'off'}", { mode: 'off' }],
  ])('%s: cloud-init grows the root only when it is asked for', async (body, growpart) => {
    const guest = await createTestGuest('debian-12-cloud')
    await guest.deploy(cloudConfig(`timezone: Etc/UTC\n${body}\n`))
    expect((parse((await guest.read(dropIn)) ?? '') as { growpart?: unknown }).growpart).toEqual(growpart)
  })

  test.each([
    ['its password', 'password: secret\n', true],
    ['a password in chpasswd', `chpasswd: {users: [{name: debian, password: '${testHash}'}]}\n`, true],
    ['a password for another', `chpasswd: {users: [{name: root, password: '${testHash}'}]}\n`, false],
    ['itself by name', `users: [{name: debian, lock_passwd: false, hashed_passwd: '${testHash}'}]\n`, true],
  ])('the default user with %s', async (_, body, unlocked) => {
    const guest = await createTestGuest('debian-12-cloud')
    await guest.deploy(cloudConfig(body))
    const config = parse((await guest.read(dropIn)) ?? '{}') as { system_info?: { default_user: { lock_passwd: boolean } } } | null
    expect(config?.system_info?.default_user.lock_passwd === false).toBe(unlocked)
  })
})

test.each(['keep', 'disable'] as const)('%s: an image without host keys makes them, should nobody else', async (cloudInit) => {
  const keys = ['ecdsa', 'ed25519', 'rsa'].flatMap((type) => [`/etc/ssh/ssh_host_${type}_key`, `/etc/ssh/ssh_host_${type}_key.pub`])
  const guest = await createTestGuest('debian-12-cloud', { tree: Object.fromEntries(keys.map((path) => [path, undefined])) })
  await guest.deploy(parseRequest({}, { cloudInit }).request)
  expect(await guest.read('/var/lib/host-deployer/first-boot/early-commands.sh')).toContain("'ssh-keygen' '-A'\n")
})

test.each(['keep', 'disable'] as const)('%s: an image without cloud-init needs nothing', async (cloudInit) => {
  const { diff, reports } = await (await createTestGuest('debian-12')).stage(parseRequest({}, { cloudInit }).request)
  expect(diff).toEqual([])
  expect(reports.find(({ id }) => id === 'cloud-init')?.outcome).toBe('skipped')
})

describe('delegate', () => {
  test('nothing but the seed is written, and what we held back before is let go', async () => {
    const guest = await createTestGuest('debian-12-cloud', { tree: { '/etc/cloud/cloud-init.disabled': { content: '' } } })
    await guest.deploy(cloudConfig('hostname: web1\n'))
    const { diff } = await guest.deploy(delegated({ userData: '#cloud-config\nhostname: web2\n', metaData: 'instance-id: i-7 # mine\n' }))
    expect(diff.map(({ path, kind }) => `${kind} ${path}`)).toEqual([
      'removed /etc/cloud/cloud-init.disabled',
      `changed ${dropIn}`,
      'added /var/lib/cloud/seed',
      'added /var/lib/cloud/seed/nocloud',
      `added ${seed('meta-data')}`,
      `added ${seed('user-data')}`,
    ])
    expect(await guest.read(seed('meta-data'))).toBe('instance-id: i-7 # mine\n')
    expect(await guest.access(seed('user-data'))).toBe('0600 0:0')
    expect(parse((await guest.read(dropIn)) ?? '')).toEqual({ datasource_list: ['NoCloud', 'None'] })
  })

  test('an instance-id of the content: the same for the same, another for another', async () => {
    const id = async (userData: string) => {
      const guest = await createTestGuest('debian-12-cloud')
      await guest.deploy(delegated({ userData, metaData: 'local-hostname: web1\n' }))
      const meta = parse((await guest.read(seed('meta-data'))) ?? '') as Record<string, string>
      expect(meta['local-hostname']).toBe('web1')
      return meta['instance-id']
    }
    const one = await id('#cloud-config\nhostname: a\n')
    expect(await id('#cloud-config\nhostname: a\n')).toBe(one)
    expect(await id('#cloud-config\nhostname: b\n')).not.toBe(one)
  })

  test('what the command line says is added, comments stay', async () => {
    const guest = await createTestGuest('debian-12-cloud')
    const userData = `#cloud-config\n# mine\nhostname: a\nssh_authorized_keys: ["${testKeys.alice}"]\n`
    const rootPassword = { type: 'plain', value: new Secret('swordfish') }
    await guest.deploy(delegated({ userData }, { hostname: 'web1.example.org', sshAuthorizedKeys: [testKeys.bob], rootPassword }))
    const written = (await guest.read(seed('user-data'))) ?? ''
    expect(written.startsWith('#cloud-config\n# mine\n')).toBe(true)
    expect(parse(written)).toEqual({
      hostname: 'web1',
      fqdn: 'web1.example.org',
      ssh_authorized_keys: [testKeys.alice, testKeys.bob],
      chpasswd: { expire: false, users: [{ name: 'root', password: 'swordfish', type: 'text' }] },
    })
  })

  test('beside a script it becomes vendor-data', async () => {
    const guest = await createTestGuest('debian-12-cloud')
    await guest.deploy(delegated({ userData: '#!/bin/sh\nls\n' }, { hostname: 'web1' }))
    expect(await guest.read(seed('user-data'))).toBe('#!/bin/sh\nls\n')
    expect(parse((await guest.read(seed('vendor-data'))) ?? '')).toEqual({ hostname: 'web1' })
  })

  test('beside a kind that only cloud-init reads, it may lose, and that is said', async () => {
    for (const userData of [
      '#cloud-config-archive\n- "#cloud-config\\n{}"\n',
      'MIME-Version: 1.0\n\n',
      '## template: jinja\n#cloud-config\n',
    ]) {
      const guest = await createTestGuest('debian-12-cloud')
      const { reports } = await guest.deploy(delegated({ userData }, { hostname: 'web1' }))
      expect(await guest.read(seed('user-data'))).toBe(userData)
      expect(parse((await guest.read(seed('vendor-data'))) ?? '')).toEqual({ hostname: 'web1' })
      expect(reports.flatMap(({ diagnostics }) => diagnostics.map(({ code }) => code))).toEqual(['CLOUD_INIT_USER_DATA_WINS'])
    }
  })

  test('what only cloud-init can do is in the seed', async () => {
    const guest = await createTestGuest('debian-12-cloud')
    const userData = '#Cloud-Config\npackages: [nginx]\ngrowpart: {devices: [/, /data]}\n'
    const networkConfig = 'version: 2\nethernets: {eth0: {}}\nbonds: {bond0: {interfaces: [eth0], dhcp4: true}}\n'
    await guest.deploy(delegated({ userData, networkConfig }, { hostname: 'web1' }))
    expect(parse((await guest.read(seed('user-data'))) ?? '')).toEqual({
      packages: ['nginx'],
      growpart: { devices: ['/', '/data'] },
      hostname: 'web1',
    })
    expect(await guest.read(seed('network-config'))).toBe(networkConfig)
    expect(await guest.read(seed('vendor-data'))).toBeUndefined()
  })

  test('the key network of user-data becomes network-config, where cloud-init reads it', async () => {
    const network = { version: 2, ethernets: { lan: { match: { macaddress: '52:54:00:12:34:56' }, dhcp4: true } } }
    const userData = `#cloud-config\nnetwork: ${JSON.stringify(network)}\n`
    const guest = await createTestGuest('debian-12-cloud')
    await guest.deploy(delegated({ userData }))
    expect(parse((await guest.read(seed('network-config'))) ?? '', { version: '1.1' })).toEqual(network)
    expect(await guest.read(seed('user-data'))).toBe(userData)
    await guest.deploy(delegated({ userData, networkConfig: 'config: disabled\n' }))
    expect(await guest.read(seed('network-config'))).toBe('config: disabled\n')
  })

  test('a network that the image forbids cloud-init to configure is told', async () => {
    const off = { '/etc/cloud/cloud.cfg.d/99-disable-network-config.cfg': { content: 'network: {config: disabled}\n' } }
    const guest = await createTestGuest('debian-12-cloud', { tree: off })
    const { reports } = await guest.stage(
      delegated({ userData: '#cloud-config\n{}\n', networkConfig: 'version: 2\nethernets: {eth0: {dhcp4: true}}\n' }),
    )
    expect(reports.flatMap(({ diagnostics }) => diagnostics.map(({ code, path }) => [code, path]))).toEqual([
      ['CLOUD_INIT_NETWORK_DISABLED', '/etc/cloud/cloud.cfg.d/99-disable-network-config.cfg'],
    ])
  })

  test('without cloud-init in the image', async () => {
    const guest = await createTestGuest('debian-12')
    await expect(guest.stage(delegated({}))).rejects.toMatchObject({ code: 'OPERATION_CLOUD_INIT_ABSENT' })
  })
})
