import { toolPath } from '@host-deployer/driver-api'
import { parseFstab, parseGroup, parseGshadow, parsePasswd, parseShadow } from '@host-deployer/formats'
import { guestPath, openGuestFs } from '@host-deployer/guest-fs'
import { expect, test } from 'vitest'
import { loadPhonyGuest, phonyGuestIds } from './phony-guest.ts'

const g = guestPath

test('the Debian family is there', () => {
  expect(phonyGuestIds()).toEqual(
    expect.arrayContaining(['debian-10', 'debian-11', 'debian-12', 'debian-12-cloud', 'debian-13', 'ubuntu-18.04', 'ubuntu-24.04-cloud']),
  )
})

test.each(phonyGuestIds())('%s is consistent', async (id) => {
  const fs = openGuestFs({ fs: await loadPhonyGuest(id), root: toolPath('/') })
  const text = (path: string) => fs.readText(g(path))
  const passwd = parsePasswd(await text('/etc/passwd'))
  const shadow = parseShadow(await text('/etc/shadow'))
  const group = parseGroup(await text('/etc/group'))
  const gshadow = parseGshadow(await text('/etc/gshadow'))
  expect(shadow.entries.map(({ name }) => name)).toEqual(passwd.entries.map(({ name }) => name))
  expect(gshadow.entries.map(({ name }) => name)).toEqual(group.entries.map(({ name }) => name))
  expect(new Set(passwd.entries.map(({ uid }) => uid)).size).toBe(passwd.entries.length)
  expect(new Set(group.entries.map(({ gid }) => gid)).size).toBe(group.entries.length)
  const gids = new Set(group.entries.map(({ gid }) => gid))
  expect(passwd.entries.filter(({ gid }) => !gids.has(gid))).toEqual([])
  expect(await fs.lstat(g('/etc/shadow'))).toMatchObject({ mode: 0o640, uid: 0, gid: 42 })
  expect(await fs.lstat(g('/etc/sudoers'))).toMatchObject({ mode: 0o440 })
  expect(parseFstab(await text('/etc/fstab')).entries.some(({ target }) => target === '/')).toBe(true)
  for (const path of ['/etc/os-release', '/sbin/init', '/bin/sh', '/etc/localtime', '/lib64/ld-linux-x86-64.so.2']) {
    expect([path, (await fs.stat(g(path))).type]).toEqual([path, 'file'])
  }
})
