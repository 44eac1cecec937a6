import { mkdtempSync, rmdirSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toolPath } from '@host-deployer/driver-api'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLocalToolHost } from './testing/local-tool-host.ts'
import { createLoopDisk, type LoopDisk } from './testing/loop-disk.ts'
import { unmountAll } from './unmount-all.ts'

// On this machine's kernel, where other processes may hold what is mounted. Needs root, loop devices, e2fsprogs.
const toolHost = createLocalToolHost()
let disks: readonly [LoopDisk, LoopDisk]
let outer: string
let inner: string

beforeEach(() => {
  disks = [createLoopDisk(16 * 2 ** 20, 'outer'), createLoopDisk(16 * 2 ** 20, 'inner')]
  outer = mkdtempSync(join(tmpdir(), 'unmount-'))
  inner = join(outer, 'inner')
  const [first, second] = disks
  for (const disk of disks) disk.run('mkfs.ext4', '-q', disk.device)
  first.run('mount', first.device, outer)
  first.run('mkdir', inner)
  second.run('mount', second.device, inner)
  second.run('touch', join(inner, 'file'))
})

afterEach(() => {
  for (const disk of disks) disk.remove()
  rmdirSync(outer)
})

const targets = () => [toolPath(inner), toolPath(outer)]
const isMounted = async (path: string) => (await toolHost.exec(['mountpoint', '-q', path])).exitCode === 0

test('what is busy for a moment is unmounted a moment later, with what it is mounted on', async () => {
  const file = await open(join(inner, 'file'))
  const unmounting = unmountAll(toolHost, targets())
  setTimeout(() => void file.close(), 500)
  expect(await unmounting).toBeUndefined()
  expect(await isMounted(outer)).toBe(false)
})

test('what stays busy stays mounted, and is said', async () => {
  const file = await open(join(inner, 'file'))
  try {
    expect(await unmountAll(toolHost, targets())).toContain(inner)
    expect([await isMounted(inner), await isMounted(outer)]).toEqual([true, true])
  } finally {
    await file.close()
  }
  expect(await unmountAll(toolHost, targets())).toBeUndefined()
})

test('one that nothing is mounted on is an error at once', async () => {
  expect(await unmountAll(toolHost, targets())).toBeUndefined()
  expect(await unmountAll(toolHost, [toolPath(outer)])).toContain(outer)
})
