import { toolPath } from '@host-deployer/driver-api'
import { expect, test } from 'vitest'
import { guestPath } from './guest-path.ts'
import { createMemoryRawFs } from './memory-raw-fs.ts'
import { openGuestFs } from './open-guest-fs.ts'
import { stageGuestFs } from './stage-guest-fs.ts'
import { loadTree, snapshotTree, type TreeManifest } from './tree-manifest.ts'

const g = guestPath
const root = toolPath('/mnt')
const label = { 'security.selinux': 'system_u:object_r:shadow_t:s0\0' }

async function guest(manifest: TreeManifest, mounts: readonly string[] = []) {
  const raw = createMemoryRawFs({ mountPoints: [root, ...mounts.map((path) => toolPath(`/mnt${path}`))] })
  await loadTree(raw, root, manifest)
  return { raw, fs: stageGuestFs(openGuestFs({ fs: raw, root, mounts: mounts.map(g) })), after: () => snapshotTree(raw, root) }
}

const kindOf = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => 'ok',
    (error: { kind: string }) => error.kind,
  )

const file = (content: string, mode = 0o644) => ({ content, mode, uid: 0, gid: 0 })
const directory = { directory: true, mode: 0o755, uid: 0, gid: 0 } as const

test('a replaced file keeps owner, mode and attributes', async () => {
  const { fs, after } = await guest({ '/etc/shadow': { content: 'old', mode: 0o640, uid: 0, gid: 42, xattrs: label } })
  await fs.writeFile(g('/etc/shadow'), 'new')
  expect(await fs.readText(g('/etc/shadow'))).toBe('new')
  const [entry, ...rest] = await fs.commit()
  expect(rest).toEqual([])
  expect(entry).toMatchObject({ path: '/etc/shadow', kind: 'changed', after: { mode: 0o640, gid: 42, sizeBytes: 3 } })
  expect(await after()).toEqual({
    '/': directory,
    '/etc': directory,
    '/etc/shadow': { content: 'new', mode: 0o640, uid: 0, gid: 42, xattrs: label },
  })
})

test('nothing reaches the disk before the commit, nothing is written when nothing changes', async () => {
  const { fs, raw, after } = await guest({ '/etc/hosts': { content: 'x' }, '/bin': { link: 'usr/bin' } })
  const before = await after()
  raw.setReadOnly(true)
  await fs.writeFile(g('/etc/hosts'), 'x')
  await fs.symlink('usr/bin', g('/bin'))
  await fs.makeDirectories(g('/etc'))
  await fs.writeFile(g('/etc/tmp'), 'y')
  await fs.remove(g('/etc/tmp'))
  await fs.removeTree(g('/bin'))
  await fs.symlink('usr/bin', g('/bin'))
  expect(await fs.diff()).toEqual([])
  expect(await fs.pathsToCommit()).toEqual([])
  expect(await fs.commit()).toEqual([])
  expect(await after()).toEqual(before)
})

test('a directory removed and made again with the same in it is no change', async () => {
  const { fs } = await guest({ '/d/sub/f': { content: 'x', xattrs: label }, '/d/l': { link: 'f' } })
  await fs.removeTree(g('/d'))
  expect(await fs.exists(g('/d/sub/f'))).toBe(false)
  await fs.makeDirectories(g('/d/sub'))
  await fs.symlink('f', g('/d/l'))
  expect((await fs.diff()).map(({ path, kind }) => [path, kind])).toEqual([['/d/sub/f', 'removed']])
  await fs.writeFile(g('/d/sub/f'), 'x')
  expect(await fs.diff()).toEqual([])
})

test('a staged link is followed, a staged removal hides', async () => {
  const { fs, after } = await guest({ '/etc/a': { content: '1' }, '/old/x': { content: '2' } })
  await fs.symlink('/etc', g('/conf'))
  await fs.writeFile(g('/conf/b'), '3')
  expect(await fs.readText(g('/etc/b'))).toBe('3')
  await fs.remove(g('/conf/a'))
  expect((await fs.readdir(g('/conf'))).map(({ name }) => name)).toEqual(['b'])
  await fs.removeTree(g('/old'))
  await fs.symlink('etc', g('/old'))
  expect(await kindOf(fs.readText(g('/old/x')))).toBe('not-found')
  await fs.commit()
  expect(Object.keys(await after())).toEqual(['/', '/conf', '/etc', '/etc/b', '/old'])
  expect(await fs.readText(g('/old/b'))).toBe('3')
})

test('a directory in place of a link of the base does not show what the link showed', async () => {
  const { fs, after } = await guest({ '/etc/passwd': { content: 'guest' }, '/a': { link: '/etc' } })
  await fs.remove(g('/a'))
  await fs.makeDirectories(g('/a'))
  expect(await fs.readdir(g('/a'))).toEqual([])
  await fs.writeFile(g('/a/passwd'), 'mine')
  const diff = await fs.commit()
  expect(diff.map(({ path, kind }) => [path, kind])).toEqual([
    ['/a', 'changed'],
    ['/a/passwd', 'added'],
  ])
  expect(await after()).toMatchObject({ '/a': directory, '/a/passwd': file('mine'), '/etc/passwd': file('guest') })
})

test('writes land where the guest would put them', async () => {
  const { fs, after } = await guest({
    '/etc/resolv.conf': { link: '../run/systemd/resolv.conf' },
    '/run/systemd': { directory: true },
    '/etc/motd': { link: '/run/motd/' },
    '/etc/far': { link: '/none/at/all' },
    '/var/run': { link: '/run' },
  })
  await fs.writeFile(g('/etc/resolv.conf'), 'nameserver ::1\n')
  expect(await kindOf(fs.writeFile(g('/etc/motd'), ''))).toBe('is-a-directory')
  expect(await kindOf(fs.writeFile(g('/etc/far'), ''))).toBe('not-found')
  await fs.writeFile(g('/etc/far'), 'near', { replaceSymlink: true, mode: 0o600 })
  await fs.makeDirectories(g('/var/run/sshd/x'), { mode: 0o700 })
  await fs.commit()
  expect(await after()).toMatchObject({
    '/etc/resolv.conf': { link: '../run/systemd/resolv.conf' },
    '/run/systemd/resolv.conf': file('nameserver ::1\n'),
    '/etc/far': file('near', 0o600),
    '/run/sshd': { ...directory, mode: 0o700 },
    '/run/sshd/x': { ...directory, mode: 0o700 },
  })
})

test.each<[string, TreeManifest]>([
  ['/etc -> /', { '/etc': { link: '/' }, '/shadow': { content: 'old' } }],
  ['/etc/shadow -> ../../../etc/shadow2', { '/etc/shadow': { link: '../../../etc/shadow2' } }],
  ['/etc -> ../../a, /a -> mnt', { '/etc': { link: '../../a' }, '/a': { link: 'mnt' }, '/mnt': { directory: true } }],
])('a write through %s stays in the guest', async (_, manifest) => {
  const raw = createMemoryRawFs()
  await loadTree(raw, toolPath('/'), {
    '/etc/shadow': { content: 'host' },
    '/etc/shadow2': { content: 'host' },
    '/shadow': { content: 'host' },
  })
  const host = await snapshotTree(raw, toolPath('/'))
  await loadTree(raw, toolPath('/'), { '/mnt': { directory: true } })
  await loadTree(raw, root, manifest)
  const fs = stageGuestFs(openGuestFs({ fs: raw, root }))
  await fs.writeFile(g('/etc/shadow'), 'guest')
  await fs.commit()
  expect(await fs.readText(g('/etc/shadow'))).toBe('guest')
  const outside = Object.entries(await snapshotTree(raw, toolPath('/'))).filter(([path]) => !path.startsWith('/mnt'))
  expect(Object.fromEntries(outside)).toEqual(host)
})

test('refusals', async () => {
  const { fs } = await guest(
    { '/d/f': { content: '' }, '/pipe': { special: 'fifo' }, '/loop': { link: 'loop' }, '/boot/x': { content: '' } },
    ['/boot'],
  )
  expect(await kindOf(fs.writeFile(g('/d'), ''))).toBe('is-a-directory')
  expect(await kindOf(fs.writeFile(g('/'), ''))).toBe('is-a-directory')
  expect(await kindOf(fs.writeFile(g('/pipe'), ''))).toBe('not-a-file')
  expect(await kindOf(fs.writeFile(g('/no/f'), ''))).toBe('not-found')
  expect(await kindOf(fs.writeFile(g('/d/f/x'), ''))).toBe('not-a-directory')
  expect(await kindOf(fs.writeFile(g('/loop'), ''))).toBe('symlink-loop')
  expect(await kindOf(fs.writeFile(g(`/${'x'.repeat(256)}`), ''))).toBe('name-too-long')
  expect(await kindOf(fs.writeFile(g('/.host-deployer-stage'), ''))).toBe('invalid-path')
  expect(await kindOf(fs.makeDirectories(g('/boot/.host-deployer-stage/x')))).toBe('invalid-path')
  expect(await kindOf(fs.makeDirectories(g('/d/f')))).toBe('not-a-directory')
  expect(await kindOf(fs.symlink('x', g('/d')))).toBe('is-a-directory')
  expect(await kindOf(fs.symlink('', g('/e')))).toBe('invalid-path')
  expect(await kindOf(fs.remove(g('/d')))).toBe('not-empty')
  expect(await kindOf(fs.removeTree(g('/')))).toBe('invalid-path')
  expect(await kindOf(fs.removeTree(g('/boot')))).toBe('not-supported')
  expect(await kindOf(fs.chmod(g('/pipe'), 0))).toBe('not-supported')
  expect(await kindOf(fs.chmod(g('/none'), 0))).toBe('not-found')
  await fs.remove(g('/d/f/none'))
  expect(await fs.diff()).toEqual([])
})

test('a change of type is one entry with both states, and what was below is gone', async () => {
  const { fs, after } = await guest({ '/a/b/c': { content: 'c' }, '/f': { content: 'f' }, '/l': { link: 'f' }, '/p': { special: 'fifo' } })
  await fs.removeTree(g('/a'))
  await fs.writeFile(g('/a'), 'file')
  await fs.symlink('elsewhere', g('/f'))
  await fs.writeFile(g('/l'), 'plain', { replaceSymlink: true })
  await fs.remove(g('/p'))
  await fs.makeDirectories(g('/p/q'))
  const diff = await fs.commit()
  expect(diff.map(({ path, kind, before, after: now }) => [path, kind, before?.type, now?.type])).toEqual([
    ['/a', 'changed', 'directory', 'file'],
    ['/a/b', 'removed', 'directory', undefined],
    ['/a/b/c', 'removed', 'file', undefined],
    ['/f', 'changed', 'file', 'symlink'],
    ['/l', 'changed', 'symlink', 'file'],
    ['/p', 'changed', 'fifo', 'directory'],
    ['/p/q', 'added', undefined, 'directory'],
  ])
  expect(await after()).toEqual({
    '/': directory,
    '/a': file('file'),
    '/f': { link: 'elsewhere', uid: 0, gid: 0 },
    '/l': file('plain'),
    '/p': directory,
    '/p/q': directory,
  })
})

test('metadata changes in place; chown keeps set-id bits and capabilities', async () => {
  const { fs, raw, after } = await guest({
    '/bin/su': { content: 'ELF', mode: 0o4755, xattrs: { 'security.capability': 'cap' } },
    '/srv': { directory: true, mode: 0o2775 },
    '/plain': { content: 'x' },
  })
  const renamed: string[] = []
  raw.intercept(({ method, to }) => void (method === 'rename' && to !== undefined && renamed.push(to)))
  await fs.chown(g('/bin/su'), 5, 5)
  await fs.chown(g('/srv'), 7, 7)
  await fs.chmod(g('/plain'), 0o600)
  await fs.setXattr(g('/plain'), 'user.a', Uint8Array.of(65))
  expect(JSON.stringify(await fs.diff())).not.toContain('sha256')
  await fs.commit()
  expect(renamed).toEqual(['/mnt/bin/su'])
  expect(await after()).toMatchObject({
    '/bin/su': { content: 'ELF', mode: 0o4755, uid: 5, gid: 5, xattrs: { 'security.capability': 'cap' } },
    '/srv': { mode: 0o2775, uid: 7, gid: 7 },
    '/plain': { content: 'x', mode: 0o600, xattrs: { 'user.a': 'A' } },
  })
})

test('sensitive stays with the path, content stays out of JSON', async () => {
  const { fs } = await guest({ '/etc/shadow': { content: 'old-secret' } })
  await fs.writeFile(g('/etc/shadow'), 'new-secret', { sensitive: true })
  await fs.writeFile(g('/etc/shadow'), 'newer-secret')
  const [entry] = await fs.diff()
  expect(entry?.sensitive).toBe(true)
  expect(entry?.content?.before).toEqual(new TextEncoder().encode('old-secret'))
  expect(JSON.stringify(entry)).not.toContain('content')
  expect(Object.keys({ ...entry })).not.toContain('content')
})

test('each file system has a staging directory of its own', async () => {
  const { fs, raw, after } = await guest({ '/boot/grub/grub.cfg': { content: 'old' }, '/etc/a': { content: '1' } }, ['/boot'])
  const made: string[] = []
  raw.intercept(({ method, path }) => void (method === 'mkdir' && path.includes('host-deployer') && made.push(path)))
  await fs.writeFile(g('/boot/grub/grub.cfg'), 'new')
  await fs.makeDirectories(g('/boot/efi'))
  await fs.writeFile(g('/etc/a'), '2')
  await fs.commit()
  expect(made.filter((path) => path.endsWith('-stage')).sort()).toEqual(['/mnt/.host-deployer-stage', '/mnt/boot/.host-deployer-stage'])
  expect(Object.keys(await after())).toEqual(['/', '/boot', '/boot/efi', '/boot/grub', '/boot/grub/grub.cfg', '/etc', '/etc/a'])
})

test('a fingerprint changes when the diff does and asks for attributes only where some are staged', async () => {
  const { raw, fs } = await guest({ '/etc/shadow': { content: 'old', xattrs: label }, '/etc/hosts': { content: 'hosts' } })
  let asked = 0
  raw.intercept(({ method }) => void (method === 'getXattrs' && asked++))
  const steps: [() => Promise<void>, boolean][] = [
    [() => fs.writeFile(g('/etc/hosts'), 'hosts'), false],
    [() => fs.writeFile(g('/etc/shadow'), 'new'), true],
    [() => fs.writeFile(g('/etc/shadow'), 'new'), false],
    [() => fs.chmod(g('/etc/shadow'), 0o600), true],
    [() => fs.remove(g('/etc/hosts')), true],
    [() => fs.setXattr(g('/etc/shadow'), 'security.selinux', Buffer.from(label['security.selinux'])), false],
    [() => fs.setXattr(g('/etc/shadow'), 'security.selinux', Uint8Array.of(1)), true],
  ]
  let last = await fs.fingerprint()
  for (const [index, [step, changes]] of steps.entries()) {
    await step()
    const next = await fs.fingerprint()
    if (index < 5) expect(asked).toBe(0)
    expect(next !== last, `step ${index}`).toBe(changes)
    last = next
  }
})

test('a tree removed as sensitive is neither read nor shown', async () => {
  const { fs, raw, after } = await guest({ '/d/sub/f': file('secret'), '/d/l': { link: 'sub' }, '/e': file('shown') })
  const read: string[] = []
  raw.intercept(({ method, path }) => {
    if (method === 'readFile') read.push(path)
    return undefined
  })
  await fs.removeTree(g('/d'), { sensitive: true })
  await fs.removeTree(g('/e'))
  const diff = await fs.diff()
  expect(read).toEqual(['/mnt/e'])
  expect(diff.map(({ path, kind, sensitive, before }) => `${kind} ${path} ${sensitive} ${before?.sha256 === undefined}`)).toEqual([
    'removed /d true true',
    'removed /d/l true true',
    'removed /d/sub true true',
    'removed /d/sub/f true true',
    'removed /e false false',
  ])
  await fs.commit()
  expect(Object.keys(await after())).toEqual(['/'])
})
