import { expect, test } from 'vitest'
import { cloudConfig } from '../testing/requests.ts'
import { testFacts } from '../testing/test-facts.ts'
import { createTestGuest } from '../testing/test-guest.ts'

const outcomes = async (guest: Awaited<ReturnType<typeof createTestGuest>>, body: string) =>
  Object.fromEntries((await guest.deploy(cloudConfig(body))).reports.map(({ id, outcome }) => [id, outcome]))

test('staged once, unchanged after that, skipped when there is nothing', async () => {
  const guest = await createTestGuest('debian-12')
  expect((await outcomes(guest, 'runcmd: [ls]\n'))['first-boot']).toBe('staged-first-boot')
  expect((await outcomes(guest, 'runcmd: [ls]\n'))['first-boot']).toBe('unchanged')
  expect((await outcomes(guest, 'hostname: a\n'))['first-boot']).toBe('skipped')
  expect(await guest.read('/var/lib/host-deployer/first-boot/late-commands.sh')).toBe('#!/bin/sh\nls\n')
})

test('commands of other operations come first', async () => {
  const guest = await createTestGuest('debian-12')
  await guest.deploy(cloudConfig('locale: de_DE.UTF-8\nruncmd: [date]\n'))
  expect(await guest.read('/var/lib/host-deployer/first-boot/late-commands.sh')).toBe("#!/bin/sh\n'locale-gen'\ndate\n")
})

test('scripts may hold secrets', async () => {
  const guest = await createTestGuest('debian-12')
  const { diff } = await guest.deploy(cloudConfig('runcmd: [echo canary]\n'))
  expect(diff.find(({ path }) => path.endsWith('late-commands.sh'))?.sensitive).toBe(true)
  expect(await guest.access('/var/lib/host-deployer/first-boot')).toBe('0700 0:0')
  expect(await guest.access('/var/lib/host-deployer/first-boot/late-commands.sh')).toBe('0700 0:0')
})

test('a guest without systemd cannot, and a command with NUL is refused', async () => {
  const guest = await createTestGuest('debian-12', { facts: testFacts('debian-12', { initSystem: 'sysvinit' }) })
  await expect(guest.stage(cloudConfig('runcmd: [ls]\n'))).rejects.toMatchObject({ code: 'OPERATION_FIRST_BOOT_UNSUPPORTED' })
  const other = await createTestGuest('debian-12')
  const request = { ...cloudConfig(''), bootcmd: ['a\0b'] }
  await expect(other.stage(request)).rejects.toMatchObject({ code: 'INPUT_COMMAND_INVALID' })
})
