import { toolPath } from '@host-deployer/driver-api'
import { expect, test } from 'vitest'
import { type GuestFs, guestPath } from './index.ts'
import { createMemoryRawFs } from './memory-raw-fs.ts'
import { openGuestFs } from './open-guest-fs.ts'
import { loadTree, type TreeManifest } from './tree-manifest.ts'

const g = guestPath
const root = toolPath('/mnt/guest')

async function guest(manifest: TreeManifest) {
  const fs = createMemoryRawFs()
  await loadTree(fs, toolPath('/'), {
    '/etc/shadow': { content: 'host:secret\n' },
    '/etc/hostname': { content: 'host\n' },
    '/mnt/guest': { directory: true },
  })
  await loadTree(fs, root, manifest)
  return { raw: fs, fs: openGuestFs({ fs, root }) }
}

const kindOf = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => 'ok',
    (error: { kind: string }) => error.kind,
  )

test('an absolute link restarts at the root of the guest', async () => {
  const { fs } = await guest({ '/etc/hostname': { content: 'guest\n' }, '/name': { link: '/etc/hostname' }, '/conf': { link: '/etc' } })
  expect(await fs.readText(g('/name'))).toBe('guest\n')
  expect(await fs.readText(g('/conf/hostname'))).toBe('guest\n')
  expect(await fs.resolve(g('/conf/hostname'))).toBe('/etc/hostname')
})

test.each([
  ['the directory', { '/etc': { link: '/' } }, '/shadow'],
  ['the directory, upwards', { '/etc': { link: '../../../../etc' } }, undefined],
  ['the file', { '/etc/shadow': { link: '../../../etc/shadow' } }, undefined],
  ['a directory above', { '/a/b': { link: '../../..' }, '/etc/shadow': { link: '/a/b/a/b/etc/hosts' } }, '/etc/hosts'],
] satisfies [string, TreeManifest, string | undefined][])('a hostile link at %s stays in the guest', async (_, manifest, landing) => {
  const { fs } = await guest(manifest)
  const found = await fs.resolve(g('/etc/shadow')).catch((error: { kind: string }) => error.kind)
  expect(found).toBe(landing ?? 'symlink-loop')
  expect(await fs.exists(g('/etc/shadow')).catch((error: { kind: string }) => error.kind)).toBe(
    landing === undefined ? 'symlink-loop' : false,
  )
})

test('forty links are followed, one more is a loop', async () => {
  const chain = (length: number): TreeManifest =>
    Object.fromEntries(Array.from({ length }, (_, index) => [`/l${index}`, { link: index === 0 ? 'end' : `l${index - 1}` }]))
  const { fs } = await guest({ ...chain(41), '/end': { content: 'x' } })
  expect(await fs.readText(g('/l39'))).toBe('x')
  expect(await kindOf(fs.stat(g('/l40')))).toBe('symlink-loop')
  expect((await fs.lstat(g('/l40'))).type).toBe('symlink')
})

test('what is missing is kept, what stands in the way is an error', async () => {
  const { fs } = await guest({
    '/file': { content: '' },
    '/gone': { link: 'not/there' },
    '/etc/x': { content: '' },
    '/slash': { link: 'file/' },
  })
  expect(await fs.resolve(g('/gone/a'))).toBe('/not/there/a')
  expect(await fs.resolve(g('/gone'), { followLast: false })).toBe('/gone')
  expect(await kindOf(fs.resolve(g('/file/a')))).toBe('not-a-directory')
  expect(await kindOf(fs.resolve(g('/slash')))).toBe('not-a-directory')
  expect(await kindOf(fs.resolve(g('/missing/../etc')))).toBe('not-found')
  expect(await fs.resolve(g('/../../etc/./x'))).toBe('/etc/x')
  expect(await fs.exists(g('/file/a'))).toBe(false)
  expect(await fs.readTextIfExists(g('/gone'))).toBeUndefined()
  expect(await kindOf(fs.readTextIfExists(g('/etc')))).toBe('not-a-file')
})

test('a FIFO is never opened', async () => {
  const { fs, raw } = await guest({ '/pipe': { special: 'fifo' } })
  raw.intercept(({ method }) => (method === 'readFile' ? 'io' : undefined))
  expect(await kindOf(fs.readFile(g('/pipe')))).toBe('not-a-file')
})

test('text is lossless or refused', async () => {
  const { fs } = await guest({ '/bom': { content: '\ufeffx' }, '/latin1': { content: Uint8Array.of(0xe9) } })
  expect(await fs.readText(g('/bom'))).toBe('\ufeffx')
  expect(await kindOf(fs.readText(g('/latin1')))).toBe('not-supported')
  expect(await kindOf(fs.readFile(g('/bom'), { maxBytes: 3 }))).toBe('too-large')
})

test('errors name the path of the guest', async () => {
  const { fs, raw } = await guest({ '/etc/x': { content: '' } })
  await expect(fs.stat(g('/nowhere'))).rejects.toMatchObject({ code: 'FS_NOT_FOUND', path: '/nowhere' })
  raw.intercept(() => 'permission-denied')
  await expect(fs.readdir(g('/etc'))).rejects.toMatchObject({ kind: 'permission-denied', path: '/etc' })
})

test('each thing is asked for once, and a listing answers for what is in it', async () => {
  const { fs, raw } = await guest({ '/etc/a': { content: '1' }, '/etc/b': { content: '2' } })
  const asked: string[] = []
  raw.intercept(({ method, path }) => void asked.push(`${method} ${path}`))
  const read = async (view: GuestFs) => Promise.all([view.readText(g('/etc/a')), view.readText(g('/etc/a')), view.exists(g('/etc/none'))])
  await fs.prefetch({ directories: [g('/etc'), g('/nowhere')] })
  await fs.prefetch({ files: [g('/etc/b'), g('/etc/none')] })
  await read(fs)
  await read(fs)
  expect(asked.sort()).toEqual([
    'lstat /mnt/guest',
    'lstat /mnt/guest/etc',
    'lstat /mnt/guest/nowhere',
    'readFile /mnt/guest/etc/a',
    'readFile /mnt/guest/etc/b',
    'readdir /mnt/guest/etc',
  ])
})

test('a failed lookup is not remembered', async () => {
  const { fs, raw } = await guest({ '/etc/a': { content: '1' } })
  raw.intercept(() => 'io')
  expect(await kindOf(fs.readText(g('/etc/a')))).toBe('io')
  raw.intercept(undefined)
  expect(await fs.readText(g('/etc/a'))).toBe('1')
})
