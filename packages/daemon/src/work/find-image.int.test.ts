// Needs qemu-img, loop devices, and to make nodes in /dev.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { type DeployError, hostPath } from '@host-deployer/driver-api'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { inspectAllowed } from './find-image.ts'

const run = promisify(execFile)
let directory: string
/** What is to go with the test, the last first. */
let ends: (() => Promise<unknown>)[]
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'find-image-'))
  ends = [() => rm(directory, { recursive: true, force: true })]
  for (const name of ['roots/disks', 'roots/own', 'elsewhere']) await mkdir(join(directory, name), { recursive: true })
})
afterEach(async () => {
  for (const end of ends.toReversed()) await end()
})

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
/** The file as a block device, outside of every root. */
async function deviceOf(path: string): Promise<string> {
  // Whole sectors, and room as a volume has it.
  await truncate(join(directory, path), 4 << 20)
  const { stdout } = await run('losetup', ['--find', '--show', join(directory, path)])
  ends.push(() => run('losetup', ['--detach', stdout.trim()]))
  return stdout.trim()
}
/** Where volume groups have their volumes. */
async function groupDirectory(): Promise<string> {
  const made = await mkdtemp('/dev/find-image-')
  ends.push(() => rm(made, { recursive: true }))
  return made
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

test('a device, raw, by its own path and by the link that a volume has', async () => {
  await raw('elsewhere/disk')
  const device = await deviceOf('elsewhere/disk')
  const group = await groupDirectory()
  await symlink(join('..', basename(device)), join(group, 'volume'))
  expect(await inspect(device)).toBe(1)
  expect(await inspect(join(group, 'volume'))).toBe(1)
})

test('a device that is based on a device, as snapshots of volumes are', async () => {
  await raw('elsewhere/disk')
  const base = await deviceOf('elsewhere/disk')
  await overlay('elsewhere/overlay', base)
  const top = await deviceOf('elsewhere/overlay')
  expect(await inspect(top)).toBe(2)
  // Without udev, as in a container, a volume is a node and no link to one in /dev.
  const group = await groupDirectory()
  await run('cp', ['--archive', top, join(group, 'volume')])
  expect(await inspect(join(group, 'volume'))).toBe(2)
})

test('a device that is based on a file: below a root, or refused', async () => {
  await raw('roots/disks/base')
  await raw('elsewhere/base')
  await overlay('elsewhere/good', 'roots/disks/base')
  await overlay('elsewhere/bad', 'elsewhere/base')
  expect(await inspect(await deviceOf('elsewhere/good'))).toBe(2)
  expect(await inspect(await deviceOf('elsewhere/bad'))).toBe('IMAGE_BACKING_REFUSED')
})

test('a raw device onto which its guest wrote a header that names another: refused where the format is declared', async () => {
  await raw('elsewhere/other')
  await overlay('elsewhere/disk', await deviceOf('elsewhere/other'))
  const path = await deviceOf('elsewhere/disk')
  await expect(inspectAllowed({ path, format: 'raw' }, places())).rejects.toMatchObject({ code: 'IMAGE_FORMAT_MISMATCH' })
})
