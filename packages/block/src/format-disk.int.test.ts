import { existsSync } from 'node:fs'
import type { Capabilities } from '@host-deployer/driver-api'
import { afterEach, expect, test } from 'vitest'
import { chooseGrowTarget, formatDisk, growDevice, growTarget, type NewFilesystem, planGrowDevice, scanStorage } from './index.ts'
import { createLocalToolHost } from './testing/local-tool-host.ts'
import { createLoopDisk, type LoopDisk } from './testing/loop-disk.ts'

// Formatting and growing with the tools and the kernel of this machine. Needs root, loop devices, fdisk, e2fsprogs, xfsprogs.
const mebibyte = 2 ** 20
const capabilities: Capabilities = { isolated: false, xattrs: true, guestExec: false, partitionNodes: false, lvm: true }
const toolHost = createLocalToolHost()
const session = { toolHost, capabilities }
let disks: LoopDisk[] = []

afterEach(() => {
  for (const disk of disks) disk.remove()
  disks = []
  // Whether it grew or not: where it was mounted meanwhile is gone.
  expect(existsSync(growTarget)).toBe(false)
})

function newDisk(sizeMiB: number): LoopDisk {
  const disk = createLoopDisk(sizeMiB * mebibyte)
  disks.push(disk)
  return disk
}

/** Plans and grows, and gives the kinds of the steps. */
async function grow(disk: LoopDisk, tools = toolHost): Promise<string[]> {
  const storage = await scanStorage(toolHost, [disk.attached], capabilities)
  const target = chooseGrowTarget(storage)
  if (target.kind !== 'device') throw new TypeError('nothing to grow')
  const plan = await planGrowDevice(toolHost, storage, target.device, growTarget)
  await growDevice({ ...session, toolHost: tools }, plan)
  return plan.steps.map(({ kind }) => kind)
}

const digest = (disk: LoopDisk) => disk.run('sha256sum', disk.device)
const type = (disk: LoopDisk, device: string) => disk.run('blkid', '-p', '-o', 'value', '-s', 'TYPE', device).trim()

test.each(['ext2', 'ext3', 'ext4', 'xfs', 'swap'] as const)(
  '%s is made where the kernel shows no partitions, and fills a larger disk once',
  async (wanted) => {
    const disk = newDisk(400)
    const made = await formatDisk(session, disk.attached, { type: wanted }, { force: false })
    expect(made).toMatchObject({ device: disk.node(1), type: wanted, label: null })
    disk.run('partx', '--delete', disk.device)
    disk.grow(600 * mebibyte)
    expect(await grow(disk)).toEqual(['partition', wanted === 'swap' ? 'swap' : 'filesystem'])
    expect(await grow(disk)).toEqual([])
    expect(disk.run('blkid', '-p', '-o', 'value', '-s', 'UUID', disk.node(1)).trim()).toBe(made.uuid)
    if (wanted.startsWith('ext')) disk.run('e2fsck', '-fn', disk.node(1))
    if (wanted === 'xfs') disk.run('xfs_repair', '-n', disk.node(1))
  },
)

test('an sfdisk that moves the backup of a GPT only when it is told to', async () => {
  const disk = newDisk(64)
  await formatDisk(session, disk.attached, { type: 'ext4' }, { force: false })
  disk.run('partx', '--delete', disk.device)
  disk.grow(128 * mebibyte)
  const asked: string[] = []
  const exec: typeof toolHost.exec = (argv, options) => {
    if (argv[0] !== 'sfdisk') return toolHost.exec(argv, options)
    const relocates = argv.includes('--relocate')
    asked.push(relocates ? 'relocate' : 'resize')
    // The refusal of an old one; all else is the real one.
    return relocates || asked.includes('relocate') ? toolHost.exec(argv, options) : toolHost.exec(['false'], options)
  }
  expect(await grow(disk, { ...toolHost, exec })).toEqual(['partition', 'filesystem'])
  expect(asked).toEqual(['resize', 'relocate', 'resize'])
  expect(await grow(disk)).toEqual([])
  disk.run('sfdisk', '--verify', disk.device)
  disk.run('e2fsck', '-fn', disk.node(1))
})

test('a used disk is only formatted by force, whatever it holds', async () => {
  const disk = newDisk(64)
  disk.partition('label: dos\nsize=20MiB\nsize=20MiB\n')
  disk.run('mkfs.ext4', '-q', '-L', 'precious', disk.node(2))
  const before = digest(disk)
  const format = (force: boolean) => formatDisk(session, disk.attached, { type: 'swap' }, { force })
  await expect(format(false)).rejects.toMatchObject({ code: 'BLOCK_NOT_EMPTY', context: { filesystems: ['ext4 precious'] } })
  expect(digest(disk)).toBe(before)
  expect((await format(true)).sizeBytes).toBe(62 * mebibyte)
  expect(type(disk, disk.node(1))).toBe('swap')
})

test.each<[string, NewFilesystem, number, boolean]>([
  ['BLOCK_DISK_TOO_SMALL', { type: 'xfs' }, 64, false],
  ['BLOCK_DISK_TOO_SMALL', { type: 'swap' }, 1, false],
  ['BLOCK_DISK_READ_ONLY', { type: 'swap' }, 64, true],
])('%s before anything is written', async (code, wanted, sizeMiB, readOnly) => {
  const disk = newDisk(sizeMiB)
  const before = digest(disk)
  await expect(formatDisk(session, { ...disk.attached, readOnly }, wanted, { force: true })).rejects.toMatchObject({ code })
  expect(digest(disk)).toBe(before)
})

test('without its tool nothing is written', async () => {
  const disk = newDisk(64)
  const before = digest(disk)
  const poor: typeof toolHost = {
    ...toolHost,
    exec: ([file, ...args], options) => toolHost.exec([file === 'mkswap' ? 'mkswap-is-missing' : file, ...args], options),
  }
  const formatting = formatDisk({ toolHost: poor, capabilities }, disk.attached, { type: 'swap' }, { force: false })
  await expect(formatting).rejects.toMatchObject({ code: 'CAPABILITY_FILESYSTEM_TOOL' })
  expect(digest(disk)).toBe(before)
})

test('a file system on the whole disk grows; a damaged one is left as it is', async () => {
  const disk = newDisk(64)
  disk.run('mkfs.ext4', '-q', disk.device)
  disk.grow(256 * mebibyte)
  expect(await grow(disk)).toEqual(['filesystem'])
  expect(await grow(disk)).toEqual([])
  // The first group descriptor.
  disk.run('dd', 'if=/dev/urandom', `of=${disk.device}`, 'bs=1024', 'seek=2', 'count=4', 'conv=notrunc', 'status=none')
  disk.grow(512 * mebibyte)
  const before = digest(disk)
  await expect(grow(disk)).rejects.toMatchObject({ code: expect.stringMatching(/^BLOCK_(FILESYSTEM_DAMAGED|MOUNT_FAILED|GROW_FAILED)$/) })
  expect(digest(disk)).toBe(before)
})
