import type { DeployRequest } from '@host-deployer/api'
import { describe, expect, test } from 'vitest'
import { cloudConfig } from '../testing/requests.ts'
import { createTestGuest } from '../testing/test-guest.ts'
import { requestedNames } from './requested-names.ts'

const base: DeployRequest = { seed: {}, cloud_init: 'keep' }

test.each<[Partial<DeployRequest>, string, string | undefined, string]>([
  [{ hostname: 'web' }, 'web', undefined, 'web'],
  [{ hostname: 'web.example.org' }, 'web', 'web.example.org', 'web'],
  [{ fqdn: 'web.example.org' }, 'web', 'web.example.org', 'web'],
  [{ fqdn: 'web.example.org.', hostname: 'other' }, 'other', 'web.example.org', 'other'],
  [{ fqdn: 'web.example.org', prefer_fqdn_over_hostname: true }, 'web', 'web.example.org', 'web.example.org'],
  [{ hostname: 'web', prefer_fqdn_over_hostname: true }, 'web', undefined, 'web'],
  [{ hostname: 'web', meta: { 'local-hostname': 'web.example.org' } }, 'web', 'web.example.org', 'web'],
])('%j', (request, hostname, fqdn, systemName) => {
  expect(requestedNames({ ...base, ...request })).toEqual({ hostname, fqdn, systemName })
})

test('nothing asked, nothing named', () => {
  expect(requestedNames({ ...base, meta: { 'local-hostname': 'web' } })).toBeUndefined()
})

test.each([
  { hostname: 'a_b' },
  { hostname: '-a' },
  { hostname: '' },
  { hostname: 'a\nb' },
  { fqdn: `${'a'.repeat(64)}.org` },
  { fqdn: 'a..b' },
])('refuses %j', (request) => {
  expect(() => requestedNames({ ...base, ...request })).toThrow(expect.objectContaining({ code: 'INPUT_HOSTNAME_INVALID' }))
})

describe('a name that nothing resolves', () => {
  const codes = async (body: string, tree = {}) => {
    const { reports } = await (await createTestGuest('debian-12', { tree })).stage(cloudConfig(body))
    return reports.flatMap(({ diagnostics }) => diagnostics.map(({ code }) => code))
  }

  test('is told', async () => {
    expect(await codes('hostname: web1\n')).toContain('HOSTNAME_NOT_RESOLVABLE')
  })

  test('is fine where /etc/hosts is managed or nss-myhostname answers', async () => {
    expect(await codes('hostname: web1\nmanage_etc_hosts: localhost\n')).not.toContain('HOSTNAME_NOT_RESOLVABLE')
    const tree = { '/etc/nsswitch.conf': { content: 'hosts: files myhostname dns\n' } }
    expect(await codes('hostname: web1\n', tree)).not.toContain('HOSTNAME_NOT_RESOLVABLE')
  })
})

describe('hosts', () => {
  test('every other line stays', async () => {
    const content = '# mine\n127.0.0.1 localhost\n127.0.1.1   old.example.org old # self\n192.0.2.1 gw\n'
    const guest = await createTestGuest('debian-12', { tree: { '/etc/hosts': { content } } })
    await guest.deploy(cloudConfig('fqdn: web1.example.org\nmanage_etc_hosts: true\n'))
    expect(await guest.read('/etc/hosts')).toBe(content.replace('old.example.org old #', 'web1.example.org web1 #'))
  })

  test("without a name in the request the image's own counts", async () => {
    const tree = { '/etc/hostname': { content: 'img.example.org\n' }, '/etc/hosts': undefined }
    const guest = await createTestGuest('debian-12', { tree })
    await guest.deploy(cloudConfig('manage_etc_hosts: localhost\n'))
    expect(await guest.read('/etc/hosts')).toContain('127.0.1.1\timg.example.org img\n')
  })

  test('no name at all', async () => {
    const guest = await createTestGuest('debian-12', { tree: { '/etc/hostname': undefined } })
    await expect(guest.stage(cloudConfig('manage_etc_hosts: true\n'))).rejects.toMatchObject({ code: 'INPUT_HOSTNAME_MISSING' })
  })
})
