import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { writeCpio } from '@host-deployer/driver-qemu-initramfs/cpio'
import { sha512Crypt } from '@host-deployer/formats'
import { fetchPackages } from '../../../apps/appliance/src/debian-packages.ts'
import {
  addCharacterDevice,
  addDirectory,
  addFile,
  addSharedLibraries,
  addSymlink,
  copyFromPackages,
  type FileTree,
  sortedEntries,
} from '../../../apps/appliance/src/file-tree.ts'
import { readKernelModules, renderModuleIndex } from '../../../apps/appliance/src/kernel-modules.ts'
import { kernelPackages, release, requestedPackages, unneededPackages } from '../../../apps/appliance/src/packages.ts'
import { cacheDirectory, cached, digest } from '../cache.ts'
import { applets, modules, programs } from './content.ts'

/** What somebody configures for a stock appliance. */
export interface StockLike {
  readonly kernel: string
  readonly initramfs: string
  /** root's, some seconds after the SSH server answers. */
  readonly password: string
}

const password = "it's late, $HOME"
const run = promisify(execFile)

const shadow = (secret: string): string => `root:${sha512Crypt(secret, 'saltstring')}:19000:0:99999:7:::\n`

async function buildTree(root: string, kernelVersion: string): Promise<FileTree> {
  const tree: FileTree = new Map()
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) addSymlink(tree, name, `usr/${name}`)
  for (const path of ['dev', 'proc', 'sys', 'run', 'mnt', 'var/run', 'var/lock', 'etc/dropbear']) addDirectory(tree, path)
  addDirectory(tree, 'tmp', 0o1777)
  addDirectory(tree, 'root', 0o700)
  addSymlink(tree, 'etc/mtab', '/proc/self/mounts')
  // The kernel opens it for PID 1 before anything is mounted.
  addCharacterDevice(tree, 'dev/console', 5, 1)
  for (const name of programs) {
    const copied = (await copyFromPackages(tree, root, `usr/bin/${name}`)) ?? (await copyFromPackages(tree, root, `usr/sbin/${name}`))
    if (copied === undefined) throw new Error(`no package has the program ${name}`)
  }
  for (const name of applets) {
    if (!tree.has(`usr/bin/${name}`) && !tree.has(`usr/sbin/${name}`)) addSymlink(tree, `usr/bin/${name}`, 'busybox')
  }
  await addSharedLibraries(tree, root, ['usr/lib/x86_64-linux-gnu'])
  const directory = `usr/lib/modules/${kernelVersion}`
  const found = await readKernelModules(join(root, directory), modules)
  for (const module of found) addFile(tree, `${directory}/${module.path}`, module.content, 0o644)
  const index = renderModuleIndex(found)
  addFile(tree, `${directory}/modules.dep`, index.dep, 0o644)
  addFile(tree, `${directory}/modules.alias`, index.alias, 0o644)
  addFile(tree, `${directory}/modules.builtin`, await readFile(join(root, directory, 'modules.builtin')), 0o644)
  addFile(tree, 'init', await readFile(join(import.meta.dirname, 'init')), 0o755)
  addFile(tree, 'etc/udhcpc.script', await readFile(join(import.meta.dirname, 'udhcpc.script')), 0o755)
  addFile(tree, 'etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n', 0o644)
  addFile(tree, 'etc/group', 'root:x:0:\n', 0o644)
  addFile(tree, 'etc/shells', '/bin/sh\n', 0o644)
  addFile(tree, 'etc/nsswitch.conf', 'passwd: files\ngroup: files\nshadow: files\n', 0o644)
  for (const name of ['shadow', 'shadow.random']) addFile(tree, `etc/${name}`, shadow('nobody knows this one'), 0o600)
  addFile(tree, 'etc/shadow.known', shadow(password), 0o600)
  addFile(tree, 'etc/mke2fs.conf', await readFile(join(root, 'etc/mke2fs.conf')), 0o644)
  // Debian's LVM waits for udev where buildroot's was built without.
  addFile(tree, 'etc/lvm/lvm.conf', await readFile(join(import.meta.dirname, '../../../apps/appliance/rootfs/etc/lvm/lvm.conf')), 0o644)
  return tree
}

/**
 * An appliance as yunionos is one: Debian's kernel as packaged, busybox, dropbear on port 22, DHCP, a password that is accepted late, no sftp server. Made of
 * the packages our own appliance is made of, once.
 */
export async function stockLikeAppliance(): Promise<StockLike> {
  const architecture = 'amd64'
  const names = [...requestedPackages, kernelPackages[architecture] ?? '']
  const fetched = await fetchPackages(cacheDirectory(), { release, architecture, names, leaveOut: unneededPackages })
  const own = await Promise.all(
    ['index.ts', 'content.ts', 'init', 'udhcpc.script'].map((name) => readFile(join(import.meta.dirname, name))),
  )
  const key = digest(JSON.stringify(fetched.packages), ...own)
  const directory = await cached('stock-like', key, ['kernel', 'initramfs'], async (aside) => {
    const root = await mkdtemp(join(tmpdir(), 'stock-like-'))
    try {
      for (const item of fetched.packages) await run('dpkg-deb', ['--extract', fetched.file(item), root])
      const kernelVersion = (await readdir(join(root, 'usr/lib/modules')))[0] ?? ''
      const tree = await buildTree(root, kernelVersion)
      await writeFile(join(aside, 'kernel'), await readFile(join(root, 'boot', `vmlinuz-${kernelVersion}`)))
      await writeFile(join(aside, 'initramfs'), gzipSync(writeCpio(sortedEntries(tree))))
    } finally {
      await rm(root, { recursive: true, force: true })
    }
  })
  return { kernel: join(directory, 'kernel'), initramfs: join(directory, 'initramfs'), password }
}
