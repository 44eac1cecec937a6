// Needs qemu-img.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type DeployError, hostPath } from '@host-deployer/driver-api'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { inspectAllowed } from './find-image.ts'

const run = promisify(execFile)
let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'find-image-'))
  for (const name of ['roots/disks', 'roots/own', 'elsewhere']) await mkdir(join(directory, name), { recursive: true })
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const places = () => ({ imageRoots: [hostPath(join(directory, 'roots'))], ownDirectories: [hostPath(join(directory, 'roots/own'))] })
const inspect = (path: string) =>
  inspectAllowed({ path: path.startsWith('/') ? path : join(directory, path) }, places()).then(
    ({ chain }) => chain.length,
    ({ code }: DeployError) => code,
  )
const raw = (path: string) => run('qemu-img', ['create', '-q', '-f', 'raw', join(directory, path), '4M'])
const overlay = (path: string, base: string, format = 'raw') => {
  const name = base.startsWith('/') ? base : join(directory, base)
  return run('qemu-img', ['create', '-q', '-u', '-f', 'qcow2', '-b', name, '-F', format, join(directory, path), '4M'])
}

test('below a root, directly or by a link that leads there; bases below a root, too', async () => {
  await raw('roots/disks/base')
  await overlay('roots/disks/top', 'roots/disks/base')
  await symlink('../roots/disks/base', join(directory, 'elsewhere/link'))
  expect(await inspect('roots/disks/base')).toBe(1)
  expect(await inspect('elsewhere/link')).toBe(1)
  expect(await inspect('roots/disks/top')).toBe(2)
})

test('outside of every root, by path, link or header: refused', async () => {
  await raw('elsewhere/image')
  await symlink('../../elsewhere/image', join(directory, 'roots/disks/link'))
  await overlay('roots/disks/top', 'elsewhere/image')
  expect(await inspect('elsewhere/image')).toBe('IMAGE_PATH_REFUSED')
  expect(await inspect('roots/disks/link')).toBe('IMAGE_PATH_REFUSED')
  expect(await inspect('roots/disks/top')).toBe('IMAGE_BACKING_REFUSED')
})

test('in a directory of our own, though below a root: refused', async () => {
  await raw('roots/own/state')
  await overlay('roots/disks/top', 'roots/own/state')
  expect(await inspect('roots/own/state')).toBe('IMAGE_PATH_REFUSED')
  expect(await inspect('roots/disks/top')).toBe('IMAGE_BACKING_REFUSED')
})

test('a file whose header names a device of the host: refused', async () => {
  const { stdout } = await run('losetup', ['--find'])
  await overlay('roots/disks/top', stdout.trim())
  expect(await inspect('roots/disks/top')).toBe('IMAGE_BACKING_REFUSED')
})
