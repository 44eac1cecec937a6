import { toolPath } from '@host-deployer/driver-api'
import { createMemoryRawFs, guestPath, loadTree, openGuestFs, stageGuestFs } from '@host-deployer/guest-fs'
import { expect, test } from 'vitest'
import { stageDebianHostsLine, stageLocalhostLine } from './own-name-line.ts'

async function hostsAfter(stage: typeof stageLocalhostLine, text: string | undefined) {
  const raw = createMemoryRawFs()
  const root = toolPath('/')
  await loadTree(raw, root, text === undefined ? { '/etc': { directory: true } } : { '/etc/hosts': { content: text } })
  const staged = stageGuestFs(openGuestFs({ fs: raw, root }))
  await stage(staged, { hostname: 'web1', fqdn: 'web1.example.org' })
  return staged.readText(guestPath('/etc/hosts'))
}

test('names stand before localhost on its line', async () => {
  const text = '127.0.0.1   old localhost localhost.localdomain\n::1 localhost\n192.0.2.1 gw\n'
  expect(await hostsAfter(stageLocalhostLine, text)).toBe(
    '127.0.0.1   web1.example.org web1 localhost localhost.localdomain\n::1 localhost\n192.0.2.1 gw\n',
  )
})

test('or on a line of their own', async () => {
  expect(await hostsAfter(stageDebianHostsLine, '127.0.0.1 localhost\n')).toBe('127.0.0.1 localhost\n127.0.1.1 web1.example.org web1\n')
})

test.each([stageLocalhostLine, stageDebianHostsLine])('a guest without the file can still resolve localhost', async (stage) => {
  expect(await hostsAfter(stage, undefined)).toMatch(/^127\.0\.0\.1.*\blocalhost\b/)
})
