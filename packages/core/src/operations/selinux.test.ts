import { expect, test } from 'vitest'
import { cloudConfig } from '../testing/requests.ts'
import { createTestGuest } from '../testing/test-guest.ts'
import { selinux } from './selinux.ts'

const request = cloudConfig('selinux: {mode: disabled}')

test('a guest without SELinux is left alone', async () => {
  const guest = await createTestGuest('debian-12', { operations: [selinux] })
  expect(await guest.stage(request)).toMatchObject({ diff: [], reports: [{ id: 'selinux', outcome: 'skipped' }] })
})

test('one line changes, mode and owner stay', async () => {
  const content = '# SELINUX= can take one of these\nSELINUX=enforcing\nSELINUXTYPE=targeted\n'
  const tree = {
    '/etc/selinux/config': { content, mode: 0o640, gid: 5 },
    '/etc/sysconfig/selinux': { link: '../selinux/config' },
  }
  const guest = await createTestGuest('debian-12', { operations: [selinux], tree })
  expect(await guest.deploy(request)).toMatchObject({ reports: [{ outcome: 'changed' }] })
  expect(await guest.read('/etc/sysconfig/selinux')).toBe(content.replace('enforcing', 'disabled'))
  expect(await guest.access('/etc/selinux/config')).toBe('0640 0:5')
  expect(await guest.stage(request)).toMatchObject({ diff: [], reports: [{ outcome: 'unchanged' }] })
})
