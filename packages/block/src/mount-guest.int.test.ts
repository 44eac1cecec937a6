import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Capabilities, DeployError, toolPath } from '@host-deployer/driver-api'
import { guestPath } from '@host-deployer/guest-fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { applyGrow, type MountedGuest, mountGuest, planGrow, scanStorage } from './index.ts'
import { createLocalToolHost } from './testing/local-tool-host.ts'
import { createLoopDisk, type LoopDisk } from './testing/loop-disk.ts'

// Needs root, loop devices, and fdisk, e2fsprogs, xfsprogs, btrfs-progs, dosfstools: this machine's kernel is the tool host.
const mebibyte = 2 ** 20
const capabilities: Capabilities = { isolated: false, xattrs: true, guestExec: false, partitionNodes: true, lvm: false }

let base = toolPath('/')
let disks: LoopDisk[] = []
let guests: MountedGuest[] = []

beforeEach(() => {
  base = toolPath(mkdtempSync(join(tmpdir(), 'mount-guest-')))
})
afterEach(async () => {
  for (const guest of guests) await guest.unmount()
  guests = []
  for (const disk of disks) disk.remove()
  disks = []
  // Not recursive through a mount: whatever is still mounted makes this fail, and the test with it.
  rmSync(base, { recursive: true, force: false })
})

function newDisk(sizeMebibytes: number, id = 'disk0'): LoopDisk {
  const disk = createLoopDisk(sizeMebibytes * mebibyte, id)
  disks.push(disk)
  return disk
}

/** Mounts a device for a moment and writes a tree: text is a file, null a directory, `-> x` a symlink. */
async function fill(disk: LoopDisk, device: string, tree: Record<string, string | null>): Promise<void> {
  const at = mkdtempSync(join(tmpdir(), 'fill-'))
  disk.run('mount', device, at)
  for (const [path, content] of Object.entries(tree)) {
    await mkdir(content === null ? join(at, path) : dirname(join(at, path)), { recursive: true })
    if (content?.startsWith('-> ')) await symlink(content.slice(3), join(at, path))
    else if (content !== null) await writeFile(join(at, path), content)
  }
  disk.run('umount', at)
  rmSync(at, { recursive: true })
}

const system = (fstab: string) => ({
  'etc/os-release': 'ID=debian\n',
  'etc/passwd': 'root:x:0:0::/root:/bin/sh\n',
  'usr/sbin/init': '',
  sbin: '-> usr/sbin',
  boot: null,
  'etc/fstab': fstab,
})

const codeOf = (attempt: Promise<unknown>) =>
  attempt.then(
    () => 'ok',
    (error: unknown) => (DeployError.isInstance(error) ? error.code : String(error)),
  )

async function open(...given: LoopDisk[]) {
  const toolHost = createLocalToolHost()
  const storage = await scanStorage(
    toolHost,
    given.map(({ attached }) => attached),
    capabilities,
  )
  return {
    toolHost,
    storage,
    async mount(rootDevice?: string) {
      const guest = await mountGuest({ toolHost, capabilities }, storage, { base, ...(rootDevice === undefined ? {} : { rootDevice }) })
      guests.push(guest)
      return guest
    },
  }
}

// Growing a mounted ext4 needs CAP_SYS_RESOURCE, which a container's root may lack: it is done in the appliance.
test('GPT with ESP, /boot and an xfs root that is grown in place', async () => {
  const disk = newDisk(700)
  disk.partition(`label: gpt
label-id: 5F1B2C3D-0000-4000-8000-000000000001
size=1M, type=21686148-6449-6E6F-744E-656564454649, name="bios"
size=64M, type=U, name="EFI System"
size=100M, type=L
size=300M, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, uuid=2D6F1F4E-6A3A-4B7B-8A4C-0D9E5B7F6C11, name="root fs", attrs="GUID:59"
`)
  // Not vfat: this machine's kernel may lack it.
  disk.run('mkfs.ext4', '-q', '-L', 'UEFI', disk.node(2))
  disk.run('mkfs.ext4', '-q', '-L', 'BOOT', disk.node(3))
  disk.run('mkfs.xfs', '-q', '-L', 'rootfs', disk.node(4))
  await fill(disk, disk.node(3), { efi: null, 'vmlinuz-6': 'kernel' })
  await fill(disk, disk.node(2), { 'EFI/BOOT/BOOTX64.EFI': 'x' })
  const fstab = `PARTUUID=2d6f1f4e-6a3a-4b7b-8a4c-0d9e5b7f6c11 / xfs defaults 0 1
LABEL=UEFI /boot/efi vfat umask=0077 0 1
LABEL=BOOT /boot ext4 defaults,exec,suid 0 2
UUID=11111111-2222-3333-4444-555555555555 /srv ext4 nofail 0 2
/dev/vda9 /mnt ext4 defaults 0 2
server:/export /home nfs defaults 0 0
`
  await fill(disk, disk.node(4), { ...system(fstab), srv: null, home: null, mnt: null })
  disk.grow(1000 * mebibyte)

  const { toolHost, storage, mount } = await open(disk)
  expect(storage.disks[0]?.table).toMatchObject({ kind: 'gpt', id: '5f1b2c3d-0000-4000-8000-000000000001', sectorSizeBytes: 512 })
  const guest = await mount()
  expect(guest.rootDevice).toBe(disk.node(4))
  expect(guest.mounts.map(({ path, device, type }) => [path, device, type])).toEqual([
    ['/', disk.node(4), 'xfs'],
    ['/boot', disk.node(3), 'ext4'],
    ['/boot/efi', disk.node(2), 'ext4'],
  ])
  expect(guest.boot).toEqual({ esp: true, biosBootPartition: true, mbr: false })
  expect(guest.storage).toMatchObject({ partitionTable: 'gpt', lvm: false, rootDevice: disk.node(4) })
  expect(guest.storage.filesystems.map(({ mountpoint }) => mountpoint)).toEqual(['/boot/efi', '/boot', '/'])
  expect(guest.diagnostics.map(({ severity, code, path }) => [severity, code, path])).toEqual([
    ['info', 'BLOCK_MOUNT_MISSING', '/srv'],
    ['warning', 'BLOCK_MOUNT_MISSING', '/mnt'],
  ])
  for (const { target } of guest.mounts) {
    const options = disk.run('findmnt', '--noheadings', '--output', 'OPTIONS', target).trim().split(',')
    expect(options).toEqual(expect.arrayContaining(['ro', 'nodev', 'nosuid', 'noexec']))
  }

  const plan = await planGrow(toolHost, storage, guest, { partition: true, filesystem: true })
  expect(plan.steps.map(({ kind }) => kind)).toEqual(['partition', 'filesystem'])
  const before = disk.run('sfdisk', '--dump', disk.device)
  await guest.remountReadWrite([guestPath('/etc/hostname')])
  expect(disk.run('findmnt', '--noheadings', '--output', 'OPTIONS', guest.mounts[1]?.target ?? '')).toMatch(/^ro,/)
  await applyGrow(toolHost, plan)
  expect(Number(disk.run('df', '--output=size', '-B1M', guest.root).split('\n')[1])).toBeGreaterThan(700)
  await guest.unmount()
  await guest.unmount()

  const after = disk.run('sfdisk', '--dump', disk.device)
  const withoutSizes = (dump: string) => dump.replaceAll(/(size=|last-lba:) *\d+/g, '$1')
  expect(withoutSizes(after)).toBe(withoutSizes(before))
  expect(disk.run('sgdisk', '--verify', disk.device)).toContain('No problems found')
  disk.run('xfs_repair', '-n', disk.node(4))
  const again = await open(disk)
  const guestAgain = await again.mount()
  expect(await planGrow(again.toolHost, again.storage, guestAgain, { partition: true, filesystem: true })).toEqual({
    steps: [],
    diagnostics: [],
  })
  await guestAgain.unmount()
})

test('MBR with a btrfs root, grown, in a logical partition too; a root that is not last is left alone', async () => {
  const disk = newDisk(400)
  disk.partition('label: dos\nlabel-id: 0x8c3d5e11\nsize=50M, type=82\nsize=320M, type=83, bootable\n')
  disk.run('mkswap', disk.node(1))
  disk.run('mkfs.btrfs', '-q', disk.node(2))
  await fill(disk, disk.node(2), system('/dev/sda2 / btrfs defaults 0 0\n/dev/sda1 none swap sw 0 0\n'))
  disk.grow(600 * mebibyte)
  const { toolHost, storage, mount } = await open(disk)
  const guest = await mount()
  expect(guest.boot).toEqual({ esp: false, biosBootPartition: false, mbr: true })
  expect(guest.diagnostics).toEqual([])
  const plan = await planGrow(toolHost, storage, guest, { partition: true, filesystem: true })
  await guest.remountReadWrite()
  await applyGrow(toolHost, plan)
  expect(Number(disk.run('df', '--output=size', '-B1M', guest.root).split('\n')[1])).toBeGreaterThan(450)
  await guest.unmount()
  const again = await open(disk)
  const guestAgain = await again.mount()
  expect(await planGrow(again.toolHost, again.storage, guestAgain, { partition: true, filesystem: true })).toEqual({
    steps: [],
    diagnostics: [],
  })
  await guestAgain.unmount()
  expect(disk.run('sfdisk', '--dump', disk.device)).toMatch(/p2 : start= +104448, size= +1124352, type=83, bootable/)
  disk.run('btrfs', 'check', '--readonly', disk.node(2))

  const other = newDisk(600, 'disk1')
  other.partition(`label: dos\nsize=200M, type=83\nsize=200M, type=5\n${other.node(5)}: size=190M, type=83\n`)
  for (const number of [1, 5]) {
    other.run('mkfs.btrfs', '-q', '-L', `fs${number}`, other.node(number))
    await fill(other, other.node(number), system(''))
  }
  const everything = { partition: true, filesystem: true }
  const first = await open(other)
  const blocked = await first.mount('LABEL=fs1')
  const refused = await planGrow(first.toolHost, first.storage, blocked, everything)
  expect([refused.steps, refused.diagnostics.map(({ code }) => code)]).toEqual([[], ['GROW_NOT_LAST']])
  await blocked.unmount()
  const second = await open(other)
  const logical = await second.mount('LABEL=fs5')
  expect(logical.rootDevice).toBe(other.node(5))
  await logical.remountReadWrite()
  await applyGrow(second.toolHost, await planGrow(second.toolHost, second.storage, logical, everything))
  expect(Number(other.run('df', '--output=size', '-B1M', logical.root).split('\n')[1])).toBeGreaterThan(350)
  await logical.unmount()
  expect(other.run('sfdisk', '--verify', other.device)).not.toMatch(/overlap|outside/)
  other.run('btrfs', 'check', '--readonly', other.node(5))
})

test('a btrfs with subvolumes over the whole disk', async () => {
  const disk = newDisk(300)
  disk.run('mkfs.btrfs', '-q', '-L', 'sys', disk.device)
  const at = mkdtempSync(join(tmpdir(), 'btrfs-'))
  disk.run('mount', disk.device, at)
  for (const name of ['@', '@home']) disk.run('btrfs', 'subvolume', 'create', join(at, name))
  disk.run('umount', at)
  rmSync(at, { recursive: true })
  disk.run('mount', '--mkdir', '-o', 'subvol=@', disk.device, at)
  disk.run('umount', at)
  await fill(disk, disk.device, {
    ...prefixed('@/', system('LABEL=sys / btrfs subvol=@ 0 0\nLABEL=sys /home btrfs subvol=/@home 0 0\n')),
    '@/home': null,
    '@home/alice/x': '',
  })
  rmSync(at, { recursive: true })
  disk.grow(400 * mebibyte)
  const { toolHost, storage, mount } = await open(disk)
  const guest = await mount()
  expect(guest.mounts.map(({ path }) => path)).toEqual(['/', '/home'])
  expect((await toolHost.fs.readdir(toolPath(`${guest.root}/home`))).map(({ name }) => name)).toEqual(['alice'])
  const plan = await planGrow(toolHost, storage, guest, { partition: true, filesystem: true })
  expect(plan.steps.map(({ kind }) => kind)).toEqual(['filesystem'])
  await guest.remountReadWrite()
  await applyGrow(toolHost, plan)
  await guest.unmount()
  expect(guest.storage).toMatchObject({ partitionTable: null, lvm: false })
})

const prefixed = (prefix: string, tree: Record<string, string | null>) =>
  Object.fromEntries(Object.entries(tree).map(([path, content]) => [prefix + path, content]))

test('two systems are one too many, none is too few, and the reasons are told', async () => {
  const disk = newDisk(300)
  disk.partition('label: gpt\nsize=100M\nsize=100M\nsize=50M\n')
  disk.run('mkfs.ext4', '-q', '-U', '00000000-0000-4000-8000-000000000001', disk.node(1))
  disk.run('mkfs.ext4', '-q', disk.node(2))
  const found = async () => (await open(disk)).mount()
  await expect(found()).rejects.toMatchObject({ code: 'BLOCK_NO_ROOT', context: { empty: [disk.node(1), disk.node(2)] } })
  await fill(disk, disk.node(1), { 'data/file': 'x' })
  await expect(found()).rejects.toMatchObject({ code: 'BLOCK_NO_ROOT', context: { empty: [disk.node(2)] } })
  await fill(disk, disk.node(2), { 'etc/motd': 'not a system' })
  await expect(found()).rejects.toMatchObject({ code: 'BLOCK_NO_ROOT', context: { empty: [] } })
  await fill(disk, disk.node(1), system(''))
  await fill(disk, disk.node(2), system(''))
  expect(await codeOf((await open(disk)).mount())).toBe('BLOCK_ROOT_AMBIGUOUS')
  expect(await codeOf((await open(disk)).mount('LABEL=nothing'))).toBe('BLOCK_ROOT_NOT_FOUND')
  const guest = await (await open(disk)).mount('UUID=00000000-0000-4000-8000-000000000001')
  expect(guest.rootDevice).toBe(disk.node(1))
  await guest.unmount()
  const mounts = disk.run('cat', '/proc/self/mounts')
  expect(mounts).not.toContain(disk.device)
})

test('a hostile fstab stays in the guest', async () => {
  const disk = newDisk(300)
  disk.partition('label: gpt\nsize=150M\nsize=100M\n')
  disk.run('mkfs.ext4', '-q', '-L', 'r', disk.node(1))
  disk.run('mkfs.ext4', '-q', '-L', 'b', disk.node(2))
  const fstab = `LABEL=b /boot ext4 dev,suid,exec,rw 0 0
LABEL=b /../../etc ext4 defaults 0 0
LABEL=b /file ext4 defaults 0 0
LABEL=b /up/etc ext4 defaults 0 0
LABEL=b /loop ext4 defaults 0 0
LABEL=r / ext4 defaults 0 0
/etc /var none bind 0 0
LABEL=b /.. ext4 defaults 0 0
`
  await fill(disk, disk.node(1), {
    ...system(fstab),
    boot: '-> ../../../../../../etc/inner',
    'etc/inner': null,
    file: 'x',
    up: '-> /../..',
    loop: '-> loop',
  })
  const { mount } = await open(disk)
  const guest = await mount()
  // `/boot` leads to `/etc/inner`, `/../../etc` and `/up/etc` are `/etc` of the guest.
  for (const { target } of guest.mounts) expect(target.startsWith(`${base}/`)).toBe(true)
  expect(guest.mounts.map(({ path }) => path)).toEqual(['/', '/etc/inner', '/etc'])
  expect(guest.diagnostics.map(({ code, path }) => [code, path])).toEqual([
    ['BLOCK_MOUNT_SKIPPED', '/file'],
    ['BLOCK_MOUNT_SKIPPED', '/loop'],
    ['BLOCK_MOUNT_SKIPPED', '/..'],
    ['BLOCK_MOUNT_SKIPPED', '/../../etc'],
  ])
  await guest.unmount()
})

test('a read-only disk with a dirty journal is only looked at', async () => {
  const disk = newDisk(200)
  disk.run('mkfs.ext4', '-q', disk.device)
  await fill(disk, disk.device, system(''))
  // What a crash leaves: the flag that says that the journal is to be replayed.
  disk.run('debugfs', '-w', '-R', 'feature needs_recovery', disk.device)
  disk.run('blockdev', '--setro', disk.device)
  const toolHost = createLocalToolHost()
  const attached = { ...disk.attached, readOnly: true }
  const storage = await scanStorage(toolHost, [attached], capabilities)
  const guest = await mountGuest({ toolHost, capabilities }, storage, { base })
  expect(guest.rootDevice).toBe(disk.device)
  expect(await codeOf(guest.remountReadWrite())).toBe('BLOCK_FILESYSTEM_READ_ONLY')
  await guest.unmount()
})

test('when one of several file systems refuses writes, nothing is under way any more: it can be unmounted at once', async () => {
  const [disk, boot] = [newDisk(200), newDisk(200, 'disk1')]
  for (const { run, device } of [disk, boot]) run('mkfs.ext4', '-q', device)
  await fill(
    disk,
    disk.device,
    system(`UUID=${boot.run('blkid', '-s', 'UUID', '-o', 'value', boot.device).trim()} /boot ext4 defaults 0 2\n`),
  )
  for (const { run, device } of [disk, boot]) run('blockdev', '--setro', device)
  const local = createLocalToolHost()
  // The one whose turn comes last goes on only when it is told to.
  const begun = Promise.withResolvers<void>()
  const mayGoOn = Promise.withResolvers<void>()
  const refused = Promise.withResolvers<void>()
  let [slow, isOver] = [0, false]
  const toolHost = {
    ...local,
    exec: async (argv: Parameters<typeof local.exec>[0], options?: Parameters<typeof local.exec>[1]) => {
      if (!argv.some((word) => word.includes('remount'))) return local.exec(argv, options)
      if (!argv.some((word) => word.endsWith('/boot'))) return local.exec(argv, options).finally(refused.resolve)
      slow += 1
      begun.resolve()
      await mayGoOn.promise
      return local.exec(argv, options).finally(() => {
        slow -= 1
      })
    },
  }
  const attached = [disk, boot].map((one) => ({ ...one.attached, readOnly: true }))
  const storage = await scanStorage(toolHost, attached, capabilities)
  const guest = await mountGuest({ toolHost, capabilities }, storage, { base })
  expect(guest.mounts.map(({ path }) => path)).toEqual(['/', '/boot'])
  const remounted = codeOf(guest.remountReadWrite()).finally(() => {
    isOver = true
  })
  await Promise.all([begun.promise, refused.promise])
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect([slow, isOver]).toEqual([1, false])
  mayGoOn.resolve()
  expect([await remounted, slow]).toEqual(['BLOCK_FILESYSTEM_READ_ONLY', 0])
  await guest.unmount()
})

test('a damaged root is named, with the kernel’s reason', async () => {
  const disk = newDisk(200)
  disk.run('mkfs.ext4', '-q', disk.device)
  await fill(disk, disk.device, system(''))
  // The group descriptors: without them the kernel cannot mount it.
  disk.run('dd', 'if=/dev/urandom', `of=${disk.device}`, 'bs=1024', 'seek=2', 'count=2', 'conv=notrunc', 'status=none')
  expect(await codeOf((await open(disk)).mount())).toBe('BLOCK_FILESYSTEM_DAMAGED')
})
