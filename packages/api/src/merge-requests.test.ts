import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mergeRequests } from './merge-requests.ts'
import type { DeployRequest, UserRequest } from './request.ts'
import { present } from './schema/scalars.ts'
import { Secret } from './secret.ts'
import { parsed } from './testing/parse.ts'

const empty: DeployRequest = { seed: {}, cloud_init: 'keep' }

const name = fc.constantFrom('ann', 'bob', 'eve')
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const few = <T>(arbitrary: fc.Arbitrary<T>) => fc.array(arbitrary, { maxLength: 3 })
const once = <T>(arbitrary: fc.Arbitrary<T>) => fc.uniqueArray(arbitrary, { maxLength: 3 })
// Equal secrets are told apart by nothing: toEqual sees no private field. The type makes the difference visible.
const password = fc.constantFrom({ type: 'random' } as const, { type: 'plain', value: new Secret('p') } as const)

const user: fc.Arbitrary<UserRequest> = fc
  .record({
    name,
    shell: maybe(fc.constantFrom('/bin/sh', '/bin/bash')),
    homedir: maybe(fc.constantFrom('/a', '/b')),
    groups: once(fc.constantFrom('g', 'h', 'i')),
    create_groups: fc.boolean(),
    no_user_group: fc.boolean(),
    no_create_home: fc.boolean(),
    system: fc.boolean(),
    password: maybe(password.map((given) => ({ ...given, only_new: false }))),
    lock_passwd: fc.boolean(),
    sudo: once(fc.constantFrom('ALL', 'NONE')),
    ssh_authorized_keys: once(fc.constantFrom('k1', 'k2', 'k3')),
    ssh_redirect_user: fc.boolean(),
    ssh_authorized_keys_only: maybe(fc.constant(true)),
  })
  .map((given) => present(given))

const unique = <T extends object>(arbitrary: fc.Arbitrary<T>) =>
  fc.uniqueArray(arbitrary, { maxLength: 3, selector: (entry) => ('name' in entry ? entry.name : '') })

const request: fc.Arbitrary<DeployRequest> = fc
  .record({
    hostname: maybe(fc.constantFrom('a', 'b')),
    fqdn: maybe(fc.constantFrom('a.x', 'b.x')),
    timezone: maybe(fc.constantFrom('UTC', 'Europe/Berlin')),
    users: maybe(unique(fc.oneof(user, fc.constant({ default: true } as const)))),
    groups: maybe(unique(fc.record({ name, members: once(name) }))),
    chpasswd: maybe(fc.record({ expire: fc.boolean(), users: unique(fc.record({ name, password })) })),
    password: maybe(password),
    ssh_authorized_keys: maybe(once(fc.constantFrom('k1', 'k2', 'k3'))),
    ssh_pwauth: maybe(fc.boolean()),
    runcmd: maybe(few(fc.constantFrom('x', 'y', 'z'))),
    write_files: maybe(
      few(
        fc.record({
          path: fc.constantFrom('/a', '/b'),
          content: fc.constant(new Uint8Array([1])),
          owner: fc.constant('root:root'),
          permissions: fc.constant(0o644),
          append: fc.boolean(),
          defer: fc.boolean(),
        }),
      ),
    ),
    network: maybe(fc.constant({ version: 0 } as const)),
    seal: maybe(fc.constant(true as const)),
    meta: maybe(
      fc
        .record({ 'instance-id': maybe(fc.constantFrom('i-1', 'i-2')), 'public-keys': maybe(once(fc.constantFrom('k1', 'k4'))) })
        .map(present),
    ),
    seed: fc.record({ userData: maybe(fc.constant(new Secret('u'))), metaData: maybe(fc.constant(new Secret('m'))) }).map(present),
    cloud_init: fc.constantFrom('keep' as const, 'disable' as const, 'delegate' as const),
  })
  .map((given) => present(given))

test('it does not matter which two of three are merged first', () => {
  fc.assert(
    fc.property(request, request, request, (a, b, c) => {
      expect(mergeRequests(mergeRequests(a, b), c)).toEqual(mergeRequests(a, mergeRequests(b, c)))
    }),
    { numRuns: 500 },
  )
})

test('a request that asks nothing changes nothing', () => {
  fc.assert(
    fc.property(request, (given) => {
      expect(mergeRequests(empty, given)).toEqual(given)
      expect(mergeRequests(given, empty)).toEqual(given)
    }),
  )
})

test('nothing that was listed is lost', () => {
  fc.assert(
    fc.property(request, request, (base, over) => {
      const merged = mergeRequests(base, over)
      for (const key of ['runcmd', 'write_files'] as const) {
        expect(merged[key] ?? []).toEqual([...(base[key] ?? []), ...(over[key] ?? [])])
      }
      const names = (list: DeployRequest['users']) => (list ?? []).map((entry) => ('name' in entry ? entry.name : 'default'))
      expect(names(merged.users)).toEqual(expect.arrayContaining([...new Set([...names(base.users), ...names(over.users)])]))
    }),
  )
})

describe('a request of a platform over user-data', () => {
  const bob = parsed('users: [{name: bob, shell: /bin/sh, groups: [adm], lock_passwd: false, plain_text_passwd: x}]')
  const merge = (base: DeployRequest, over: Partial<DeployRequest>) => mergeRequests(base, { ...empty, ...over })

  test('a user named again keeps what only the first one said', () => {
    const merged = mergeRequests(bob, parsed('users: [{name: bob, shell: /bin/bash, groups: [sudo]}]'))
    expect(merged.users).toMatchObject([
      { name: 'bob', shell: '/bin/bash', groups: ['adm', 'sudo'], lock_passwd: false, password: { type: 'plain' } },
    ])
  })

  test('exactly these keys means exactly these', () => {
    const base = parsed(`users: [{name: bob, ssh_authorized_keys: [${JSON.stringify(key)}]}]`)
    const [user] = parsed('users: [bob]').users ?? []
    const merged = merge(base, { users: [{ ...(user as UserRequest), ssh_authorized_keys_only: true }] })
    expect(merged.users).toMatchObject([{ ssh_authorized_keys: [], ssh_authorized_keys_only: true }])
  })

  test('the default user does not get lost when accounts are added', () => {
    const base = parsed(`ssh_authorized_keys: [${JSON.stringify(key)}]`)
    expect(merge(base, { users: bob.users ?? [] }).users).toMatchObject([{ default: true }, { name: 'bob' }])
    expect(merge(parsed('timezone: UTC'), { users: bob.users ?? [] }).users).toMatchObject([{ name: 'bob' }])
  })

  test('names come from one of them', () => {
    expect(mergeRequests(parsed('hostname: db.example.org'), { ...empty, hostname: 'web' })).not.toHaveProperty('fqdn')
  })

  test('the seed is the seed of the base, the network of the platform', () => {
    const base = parsed('network: {version: 1, config: []}')
    const merged = mergeRequests(base, { ...empty, network: { version: 0 }, seed: { userData: new Secret('other') } })
    expect(merged.network).toEqual({ version: 0 })
    expect(merged.seed.userData?.reveal()).toBe(base.seed.userData?.reveal())
  })
})

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0C5iqZ4Qm9T1bGmQY9xgqs8aZqkq1Y0Cq6wYhVZbq+ a'
