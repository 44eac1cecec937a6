import { expect, test } from 'vitest'
import { cloudConfig } from './testing/requests.ts'
import { createTestGuest } from './testing/test-guest.ts'

test('attributes, which cost a command, are asked for once for all operations', async () => {
  const guest = await createTestGuest('debian-12')
  const request = cloudConfig(
    'hostname: web\nusers: [{ name: root, lock_passwd: true }, { name: web }]\nwrite_files: [{ path: /etc/motd, content: hello }]\n',
  )
  let asked = 0
  guest.raw.intercept(({ method }) => void (method === 'getXattrs' && asked++))
  const { reports, diff } = await guest.stage(request)
  expect(reports.filter(({ outcome }) => outcome === 'changed').length).toBeGreaterThan(2)
  expect(diff.filter(({ kind }) => kind === 'changed').length).toBeGreaterThan(1)
  expect(asked).toBe(1)
})
