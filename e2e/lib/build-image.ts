import { randomUUID } from 'node:crypto'
import { open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { machineSources } from '@host-deployer/appliance'
import { type DriverSession, hostPath } from '@host-deployer/driver-api'
import { execa } from 'execa'
import { openTestDriver } from './appliance.ts'
import { cached, digest } from './cache.ts'
import { type ImageDefinition, type ImageName, imageDefinitions } from './image-definitions.ts'
import { quickBoot, quickKernelOptions } from './quick-boot.ts'

/**
 * The path of a bootable qcow2 image, from the cache or made now: mmdebstrap packs the tree on this host, partitions, LVM and file systems
 * are made inside the appliance, where GRUB is installed too. Read only: tests work on overlays or copies.
 */
export async function ensureImage(name: ImageName, log: (line: string) => void = () => {}): Promise<string> {
  const definition: ImageDefinition = imageDefinitions[name]
  const recipe = await readFile(import.meta.filename)
  const directory = await cached(
    'e2e-images',
    digest(name, JSON.stringify(definition), recipe, quickKernelOptions, ...quickBoot(definition.layout)),
    ['disk.qcow2'],
    (into) => buildImage(name, definition, into, log),
  )
  return join(directory, 'disk.qcow2')
}

async function buildImage(name: string, definition: ImageDefinition, into: string, log: (line: string) => void): Promise<void> {
  const tree = join(into, 'tree.tar')
  const raw = join(into, 'disk.raw')
  log(`${name}: collecting packages (mmdebstrap)`)
  await makeTree(definition, tree)
  const disk = await open(raw, 'wx')
  await disk.truncate(definition.sizeBytes)
  await disk.close()
  log(`${name}: partitions, file systems and boot loader (in the appliance)`)
  await assemble(definition, raw, tree)
  await rm(tree)
  await execa('qemu-img', ['convert', '-O', 'qcow2', raw, join(into, 'disk.qcow2')])
  await rm(raw)
}

async function makeTree(definition: ImageDefinition, tree: string): Promise<void> {
  const unneeded = ['/usr/share/doc/*', '/usr/share/man/*', '/usr/share/info/*'].map((path) => `--dpkgopt=path-exclude=${path}`)
  await execa(
    'mmdebstrap',
    [
      ...[
        '--quiet',
        '--variant=minbase',
        `--include=${definition.packages.join(',')}`,
        ...unneeded,
        '--dpkgopt=path-include=/usr/share/doc/*/copyright',
      ],
      // GRUB's package asks where to install itself; it is installed below, where there is a disk.
      '--essential-hook=echo grub-pc grub-pc/install_devices_empty boolean true | chroot "$1" debconf-set-selections',
      // The parts that the machine this ran on would leave in the image.
      '--customize-hook=printf "localhost\\n" >"$1/etc/hostname"',
      '--customize-hook=printf "127.0.0.1\\tlocalhost\\n::1\\tlocalhost ip6-localhost ip6-loopback\\n" >"$1/etc/hosts"',
      '--customize-hook=: >"$1/etc/machine-id"; rm -f "$1/etc/resolv.conf" "$1"/etc/ssh/ssh_host_*',
      ...quickBoot(definition.layout),
      definition.suite,
      tree,
      '-',
    ],
    { input: await machineSources(definition.suite), timeout: 900_000, env: { DEBIAN_FRONTEND: 'noninteractive' } },
  )
}

type Run = (argv: readonly [string, ...string[]], stdin?: string) => Promise<string>

async function assemble(definition: ImageDefinition, raw: string, tree: string): Promise<void> {
  const { driver, context } = await openTestDriver({ commandTimeoutMs: 900_000 })
  await using session = await driver.open(
    {
      disks: [
        { id: 'target', chain: [{ path: hostPath(raw), format: 'raw' }], access: 'read-write' },
        { id: 'tree', chain: [{ path: hostPath(tree), format: 'raw' }], access: 'read-only' },
      ],
    },
    context,
  )
  const [target, source] = session.disks
  if (source === undefined) throw new TypeError('two disks were asked for')
  const run: Run = async (argv, stdin = '') => {
    const { exitCode, stdout, stderr } = await session.toolHost.exec(argv, { stdin, timeoutMs: 900_000 })
    if (exitCode !== 0) throw new Error(`${argv.join(' ')} ended with ${exitCode}: ${Buffer.from(stderr).toString()}`)
    return Buffer.from(stdout).toString()
  }
  await run(['mkdir', '-p', '/mnt'])
  const fstab = definition.layout === 'gpt-ext4' ? await layoutGptExt4(run, target.device) : await layoutBootLvmXfs(run, target.device)
  await run(['tar', '-x', '--xattrs', '--xattrs-include=*', '--numeric-owner', '-C', '/mnt', '-f', source.device])
  await run(['dd', 'status=none', 'of=/mnt/etc/fstab'], fstab)
  await run(
    ['dd', 'status=none', 'of=/mnt/etc/default/grub'],
    `GRUB_DEFAULT=0\nGRUB_TIMEOUT=0\nGRUB_DISTRIBUTOR=Debian\nGRUB_CMDLINE_LINUX_DEFAULT=""\nGRUB_CMDLINE_LINUX="console=ttyS0 ${quickKernelOptions}"\nGRUB_TERMINAL=serial\nGRUB_DISABLE_OS_PROBER=true\n`,
  )
  await installGrub(session, run, target.device)
  await run(['sync'])
  await run(['umount', '-R', '/mnt'])
  if (definition.layout === 'gpt-boot-lvm-xfs') await run(['vgchange', '-an'])
}

async function layoutGptExt4(run: Run, disk: string): Promise<string> {
  await run(
    ['sfdisk', '--wipe', 'always', disk],
    'label: gpt\nsize=1MiB, type=21686148-6449-6E6F-744E-656564454649, name=bios\nsize=16MiB, type=uefi, name=esp\nsize=1800MiB, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, name=root\n',
  )
  const [esp, root] = [randomUUID().slice(0, 8), randomUUID()]
  await run(['mkfs.vfat', '-i', esp, `${disk}2`])
  await run(['mkfs.ext4', '-q', '-U', root, '-E', 'lazy_itable_init=1,lazy_journal_init=1', `${disk}3`])
  await run(['mount', '-t', 'ext4', `${disk}3`, '/mnt'])
  await run(['mkdir', '-p', '/mnt/boot/efi'])
  await run(['mount', '-t', 'vfat', `${disk}2`, '/mnt/boot/efi'])
  // The appliance has no udev; without this link GRUB would write the device's name of today into its configuration.
  await run(['mkdir', '-p', '/dev/disk/by-uuid'])
  await run(['ln', '-s', `${disk}3`, `/dev/disk/by-uuid/${root}`])
  const espId = `${esp.slice(0, 4)}-${esp.slice(4)}`.toUpperCase()
  return `# <file system> <mount point> <type> <options> <dump> <pass>\nUUID=${root} / ext4 errors=remount-ro 0 1\nUUID=${espId} /boot/efi vfat umask=0077 0 1\n`
}

async function layoutBootLvmXfs(run: Run, disk: string): Promise<string> {
  await run(
    ['sfdisk', '--wipe', 'always', disk],
    'label: gpt\nsize=1MiB, type=21686148-6449-6E6F-744E-656564454649\nsize=300MiB, type=linux\nsize=2600MiB, type=E6D6D379-F507-44C2-A23C-238F2A3DF928\n',
  )
  const boot = randomUUID()
  await run(['mkfs.ext4', '-q', '-U', boot, `${disk}2`])
  await run(['pvcreate', '-q', '-ff', '-y', `${disk}3`])
  await run(['vgcreate', '-q', 'debian-vg', `${disk}3`])
  await run(['lvcreate', '-q', '-y', '-L', '256M', '-n', 'swap_1', 'debian-vg'])
  await run(['lvcreate', '-q', '-y', '-l', '100%FREE', '-n', 'root', 'debian-vg'])
  await run(['mkfs.xfs', '-q', '/dev/debian-vg/root'])
  await run(['mkswap', '-q', '/dev/debian-vg/swap_1'])
  await run(['mount', '-t', 'xfs', '/dev/debian-vg/root', '/mnt'])
  await run(['mkdir', '-p', '/mnt/boot'])
  await run(['mount', '-t', 'ext4', `${disk}2`, '/mnt/boot'])
  return `/dev/mapper/debian--vg-root / xfs defaults 0 0\nUUID=${boot} /boot ext4 defaults 0 2\n/dev/mapper/debian--vg-swap_1 none swap sw 0 0\n`
}

async function installGrub(session: DriverSession, run: Run, disk: string): Promise<void> {
  for (const name of ['dev', 'proc', 'sys', 'run']) await run(['mount', '--bind', `/${name}`, `/mnt/${name}`])
  for (const argv of [['grub-install', '--target=i386-pc', disk] as const, ['update-grub'] as const]) {
    const result = await session.guestExec?.chroot('/mnt', argv, { timeoutMs: 900_000, env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } })
    if (result?.exitCode !== 0) throw new Error(`${argv.join(' ')} failed in the guest: ${Buffer.from(result?.stderr ?? []).toString()}`)
  }
}
