import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { machineSources } from '@host-deployer/appliance'
import { execa } from 'execa'
import { cached, digest } from '../cache.ts'

/** A Debian machine to be booted with the kernel given to QEMU. Read only: it runs from a snapshot. */
export interface NbdMachine {
  readonly kernel: string
  readonly initrd: string
  /** Raw: an ext4 without a partition table. */
  readonly disk: string
}

const suite = 'bookworm'
const packages = [
  ...['linux-image-cloud-amd64', 'initramfs-tools', 'zstd', 'kmod', 'udev', 'procps', 'util-linux', 'mount', 'fdisk'],
  ...['qemu-utils', 'libnbd-bin', 'nbd-client', 'lvm2', 'dmsetup', 'mdadm', 'e2fsprogs', 'xfsprogs', 'btrfs-progs', 'attr'],
  // Of Node.
  'libatomic1',
]
const diskSize = '2G'

/** All that the first process does: what it runs comes on a second disk. */
const init = '#!/bin/sh\nmount -o ro /dev/vdb /payload && exec /payload/run\n'

/** From the cache or made now; takes root (as all of driver-nbd does), mmdebstrap, e2fsprogs and a minute or two. */
export async function ensureNbdMachine(log: (line: string) => void = () => {}): Promise<NbdMachine> {
  const names = ['vmlinuz', 'initrd', 'disk.raw'] as const
  const key = digest(await readFile(import.meta.filename))
  const directory = await cached('nbd-machine', key, names, async (into) => {
    const root = await mkdtemp(join(tmpdir(), 'nbd-machine-'))
    try {
      log('nbd machine: collecting packages (mmdebstrap)')
      await makeTree(root)
      const boot = await readdir(join(root, 'boot'))
      for (const [start, name] of [['vmlinuz-', 'vmlinuz'] as const, ['initrd.img-', 'initrd'] as const]) {
        await cp(join(root, 'boot', boot.find((file) => file.startsWith(start)) ?? start), join(into, name))
      }
      await execa('mke2fs', [
        '-q',
        '-t',
        'ext4',
        '-E',
        'lazy_itable_init=1,lazy_journal_init=1',
        '-d',
        root,
        join(into, 'disk.raw'),
        diskSize,
      ])
    } finally {
      await rm(root, { recursive: true, force: true })
    }
  })
  const [kernel, initrd, disk] = names.map((name) => join(directory, name)) as [string, string, string]
  return { kernel, initrd, disk }
}

async function makeTree(root: string): Promise<void> {
  const write = (path: string, mode: string, content: string): string =>
    `printf %s '${content}' | install -D -m ${mode} /dev/stdin "$1${path}"`
  const modules = 'virtio_pci\nvirtio_blk\ncrc32c_generic\next4\n'
  await execa(
    'mmdebstrap',
    [
      ...['--quiet', '--variant=minbase', '--mode=root', `--include=${packages.join(',')}`],
      ...['/usr/share/doc/*', '/usr/share/man/*', '/usr/share/info/*', '/usr/share/locale/*'].map(
        (path) => `--dpkgopt=path-exclude=${path}`,
      ),
      `--essential-hook=${write('/etc/initramfs-tools/conf.d/quick-boot', '0644', 'MODULES=list\nRESUME=none\n')}`,
      `--essential-hook=${write('/usr/share/initramfs-tools/modules.d/quick-boot', '0644', modules)}`,
      `--customize-hook=mkdir "$1/payload"; ${write('/sbin/machine', '0755', init)}`,
      suite,
      root,
      '-',
    ],
    { input: await machineSources(suite), timeout: 900_000, env: { DEBIAN_FRONTEND: 'noninteractive' } },
  )
}
