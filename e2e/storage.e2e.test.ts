// Partition tables, LVM and file systems made, found, mounted and grown inside the appliance: what this machine's own kernel may lack.
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { applyGrow, type MountedGuest, mountGuest, planGrow, releaseStorage, type Storage, scanStorage } from '@host-deployer/block'
import { type AttachedDisk, DeployError, type DriverSession, hostPath } from '@host-deployer/driver-api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestDriver } from './lib/appliance.ts'

const mebibyte = 2 ** 20
const ids = ['gpt', 'lvm', 'clone', 'sealed'] as const

let directory: string
let session: DriverSession

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'storage-test-'))
  const disks = await Promise.all(
    ids.map(async (id) => {
      const path = join(directory, id)
      const file = await open(path, 'wx')
      await file.truncate(700 * mebibyte)
      await file.close()
      return { id, chain: [{ path: hostPath(path), format: 'raw' }], access: 'read-write' } as const
    }),
  )
  const [first, ...others] = disks
  if (first === undefined) throw new TypeError('no disks')
  const { driver, context } = await openTestDriver()
  session = await driver.open({ disks: [first, ...others] }, context)
}, 300_000)

afterAll(async () => {
  await session?.close()
  await rm(directory, { recursive: true, force: true })
})

function diskOf(id: (typeof ids)[number]): AttachedDisk {
  const disk = session.disks[ids.indexOf(id)]
  if (disk === undefined) throw new TypeError(`no disk ${id}`)
  return disk
}

async function run(...[file, ...argv]: [string, ...string[]]): Promise<string> {
  const { exitCode, stdout, stderr } = await session.toolHost.exec([file, ...argv])
  expect([file, exitCode, new TextDecoder().decode(stderr)]).toEqual([file, 0, expect.anything()])
  return new TextDecoder().decode(stdout)
}

async function feed(argv: readonly [string, ...string[]], stdin: string): Promise<void> {
  const { exitCode, stderr } = await session.toolHost.exec(argv, { stdin })
  expect([argv[0], exitCode, exitCode === 0 ? '' : new TextDecoder().decode(stderr)]).toEqual([argv[0], 0, ''])
}

/** A tree with the marks of a system, on a device. */
async function install(device: string, type: string, fstab: string): Promise<void> {
  await run('mount', '--mkdir', '-t', type, device, '/mnt')
  await run('mkdir', '-p', '/mnt/etc', '/mnt/usr/sbin', '/mnt/boot/efi')
  for (const [path, text] of [
    ['etc/os-release', 'ID=debian\n'],
    ['etc/passwd', 'root:x:0:0::/root:/bin/sh\n'],
    ['usr/sbin/init', ''],
    ['etc/fstab', fstab],
  ] as const)
    await feed(['dd', 'status=none', `of=/mnt/${path}`], text)
  await run('umount', '/mnt')
}

const scan = (...disks: AttachedDisk[]): Promise<Storage> => scanStorage(session.toolHost, disks, session.capabilities)
const sizeMiB = async (guest: MountedGuest) => Number((await run('df', '-m', guest.root)).trim().split('\n').at(-1)?.split(/\s+/)[1])
const everything = { partition: true, filesystem: true }
const codeOf = (attempt: Promise<unknown>) =>
  attempt.then(
    () => 'ok',
    (error: unknown) => (DeployError.isInstance(error) ? error.code : String(error)),
  )

test('GPT with a vfat ESP and an ext4 root: mounted, grown in place, sound', async () => {
  const disk = diskOf('gpt')
  const node = (number: number) => `${disk.device}${number}`
  await feed(
    ['sfdisk', '--quiet', disk.device],
    'label: gpt\nsize=1M, type=21686148-6449-6E6F-744E-656564454649\nsize=64M, type=U, name="EFI System"\nsize=300M, type=L, name=root, attrs="GUID:59"\n',
  )
  await run('mkfs.vfat', '-n', 'UEFI', node(2))
  await run('mkfs.ext4', '-q', '-L', 'top', node(3))
  await install(node(3), 'ext4', 'LABEL=top / ext4 errors=remount-ro 0 1\nPARTLABEL="EFI\\040System" /boot/efi vfat umask=0077 0 1\n')

  const storage = await scan(disk)
  const guest = await mountGuest(session, storage)
  expect(guest.mounts.map(({ path, device, type }) => [path, device, type])).toEqual([
    ['/', node(3), 'ext4'],
    ['/boot/efi', node(2), 'vfat'],
  ])
  expect(guest.boot).toEqual({ esp: true, biosBootPartition: true, mbr: false })
  expect(guest.diagnostics).toEqual([])
  const plan = await planGrow(session.toolHost, storage, guest, everything)
  expect(plan.steps.map(({ kind }) => kind)).toEqual(['partition', 'filesystem'])
  await guest.remountReadWrite()
  const before = await run('sfdisk', '--dump', disk.device)
  await applyGrow(session.toolHost, plan)
  expect(await sizeMiB(guest)).toBeGreaterThan(550)
  await guest.unmount()
  const after = await run('sfdisk', '--dump', disk.device)
  const withoutSize = (dump: string) => dump.replaceAll(/size= *\d+/g, 'size')
  expect(withoutSize(after)).toBe(withoutSize(before))
  await run('e2fsck', '-fn', node(3))

  const again = await scan(disk)
  const guestAgain = await mountGuest(session, again)
  expect(await planGrow(session.toolHost, again, guestAgain, everything)).toEqual({ steps: [], diagnostics: [] })
  await guestAgain.unmount()
})

test('xfs on a logical volume with dashes in its name and a separate /boot: partition, volumes and file system grow', async () => {
  const disk = diskOf('lvm')
  await feed(['sfdisk', '--quiet', disk.device], 'label: dos\nsize=50M, type=83, bootable\nsize=500M, type=8e\n')
  const [boot, physical] = [`${disk.device}1`, `${disk.device}2`]
  await run('mkfs.ext2', '-q', '-L', 'boot', boot)
  await run('vgcreate', '--quiet', '--devices', physical, 'my-vg', physical)
  await run('lvcreate', '--quiet', '--yes', '--devices', physical, '-n', 'swap_1', '-L', '20M', 'my-vg')
  await run('lvcreate', '--quiet', '--yes', '--devices', physical, '-n', 'the-root', '-L', '400M', 'my-vg')
  await run('mkfs.xfs', '-q', '/dev/my-vg/the-root')
  await run('mkswap', '/dev/my-vg/swap_1')
  await install(
    '/dev/my-vg/the-root',
    'xfs',
    '/dev/mapper/my--vg-the--root / xfs defaults 0 0\n/dev/sda1 /boot ext2 defaults 0 2\n/dev/my-vg/swap_1 none swap sw 0 0\n',
  )
  await run('vgchange', '--quiet', '-an', 'my-vg')

  const storage = await scan(disk)
  const guest = await mountGuest(session, storage)
  expect(guest.rootDevice).toBe('/dev/my-vg/the-root')
  expect(guest.storage).toMatchObject({ lvm: true, partitionTable: 'mbr' })
  expect(guest.mounts.map(({ path, type }) => [path, type])).toEqual([
    ['/', 'xfs'],
    ['/boot', 'ext2'],
  ])
  const plan = await planGrow(session.toolHost, storage, guest, everything)
  expect(plan.steps.map(({ kind }) => kind)).toEqual(['partition', 'physical-volume', 'logical-volume', 'filesystem'])
  await guest.remountReadWrite()
  await applyGrow(session.toolHost, plan)
  expect(await sizeMiB(guest)).toBeGreaterThan(520)
  await guest.unmount()
  expect(await run('dmsetup', 'ls')).toMatch(/no devices/i)

  const again = await scan(disk)
  const guestAgain = await mountGuest(session, again)
  expect(await planGrow(session.toolHost, again, guestAgain, everything)).toEqual({ steps: [], diagnostics: [] })
  await guestAgain.unmount()
})

test('two groups of one name: that of the first disk is used, the other is named', async () => {
  const [disk, clone] = [diskOf('lvm'), diskOf('clone')]
  await run('vgcreate', '--quiet', '--devices', clone.device, 'my-vg', clone.device)
  await run('lvcreate', '--quiet', '--yes', '-an', '-Zn', '-Wn', '--devices', clone.device, '-n', 'the-root', '-L', '100M', 'my-vg')
  const storage = await scan(disk, clone)
  expect(storage.volumeGroups.map(({ name, active }) => [name, active])).toEqual([
    ['my-vg', true],
    ['my-vg', false],
  ])
  expect(storage.diagnostics.map(({ code }) => code)).toEqual(['BLOCK_LVM_NAME_COLLISION'])
  const guest = await mountGuest(session, storage)
  expect(guest.rootDevice).toBe('/dev/my-vg/the-root')
  expect(guest.storage.partitionTable).toBe('mbr')
  await guest.unmount()
})

test('a clone of the disk is told from it by the order of the disks', async () => {
  const [disk, clone] = [diskOf('lvm'), diskOf('clone')]
  await run('dd', `if=${disk.device}`, `of=${clone.device}`, 'bs=1M', 'count=60', 'status=none')
  await run('partx', '--update', clone.device)
  const storage = await scan(disk, clone)
  expect(storage.diagnostics.map(({ code, path }) => [code, path])).toEqual([['BLOCK_LVM_CLONE', `${clone.device}2`]])
  const guest = await mountGuest(session, storage)
  expect(guest.rootDevice).toBe('/dev/my-vg/the-root')
  expect(guest.mounts.map(({ device }) => device)).toEqual(['/dev/my-vg/the-root', `${disk.device}1`])
  await guest.unmount()
})

test('volumes of a disk that refuses writes are looked at, and stay as they are', async () => {
  const disk = diskOf('lvm')
  const nodes = [disk.device, `${disk.device}1`, `${disk.device}2`]
  for (const node of nodes) await run('blockdev', '--setro', node)
  const storage = await scan({ ...disk, readOnly: true })
  const guest = await mountGuest(session, storage)
  expect(guest.mounts.map(({ path }) => path)).toEqual(['/', '/boot'])
  expect(await codeOf(guest.remountReadWrite())).toBe('BLOCK_FILESYSTEM_READ_ONLY')
  await guest.unmount()
  for (const node of nodes) await run('blockdev', '--setrw', node)
})

test('an encrypted disk is no root, and the reason is in the hint', async () => {
  const disk = diskOf('sealed')
  const { exitCode } = await session.toolHost.exec(
    ['cryptsetup', 'luksFormat', '--batch-mode', '--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000', disk.device, '-'],
    { stdin: 'secret' },
  )
  expect(exitCode).toBe(0)
  const storage = await scan(disk)
  expect(storage.filesystems.map(({ type }) => type)).toEqual(['crypto_LUKS'])
  expect(await codeOf(mountGuest(session, storage))).toBe('BLOCK_NO_ROOT')
  await releaseStorage(session.toolHost, storage)
})
