import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readBusyboxApplets } from './busybox-applets.ts'
import { files, modules, programs } from './content.ts'
import type { LockedPackage } from './debian-packages.ts'
import { addCharacterDevice, addDirectory, addFile, addSharedLibraries, addSymlink, copyFromPackages, type FileTree } from './file-tree.ts'
import { readKernelModules, renderModuleIndex } from './kernel-modules.ts'

/** Where Debian keeps the libraries of an architecture. */
const multiarchDirectories: Readonly<Record<string, string>> = { amd64: 'usr/lib/x86_64-linux-gnu' }

/** Files of our own, as they lie in the appliance; beside the sources and beside the build. */
export const ownFilesDirectory = join(import.meta.dirname, '..', 'rootfs')

export interface TreeInput {
  /** The directory all packages were extracted into. */
  readonly root: string
  readonly architecture: string
  readonly kernelVersion: string
  readonly packages: readonly LockedPackage[]
  readonly apiVersion: number
}

async function addPrograms(tree: FileTree, root: string): Promise<void> {
  for (const name of programs) {
    const copied = (await copyFromPackages(tree, root, `usr/bin/${name}`)) ?? (await copyFromPackages(tree, root, `usr/sbin/${name}`))
    if (copied === undefined) throw new Error(`no package has the program ${name}`)
  }
  for (const [source, destination] of Object.entries(files)) {
    if ((await copyFromPackages(tree, root, source, destination)) === undefined) throw new Error(`no package has ${source}`)
  }
  const busybox = tree.get('usr/bin/busybox')
  if (busybox?.type !== 'file') throw new Error('no package has busybox')
  for (const applet of readBusyboxApplets(busybox.content)) {
    if (!tree.has(`usr/bin/${applet}`) && !tree.has(`usr/sbin/${applet}`)) addSymlink(tree, `usr/bin/${applet}`, 'busybox')
  }
}

async function addModules(tree: FileTree, input: TreeInput): Promise<void> {
  const directory = `usr/lib/modules/${input.kernelVersion}`
  const found = await readKernelModules(join(input.root, directory), modules)
  for (const module of found) addFile(tree, `${directory}/${module.path}`, module.content, 0o644)
  const index = renderModuleIndex(found)
  addFile(tree, `${directory}/modules.dep`, index.dep, 0o644)
  addFile(tree, `${directory}/modules.alias`, index.alias, 0o644)
  addFile(tree, `${directory}/modules.builtin`, await readFile(join(input.root, directory, 'modules.builtin')), 0o644)
}

async function addOwnFiles(tree: FileTree): Promise<void> {
  for (const entry of await readdir(ownFilesDirectory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const source = join(entry.parentPath, entry.name)
    const content = await readFile(source)
    const mode = entry.name === 'shadow' ? 0o600 : content.subarray(0, 2).toString() === '#!' ? 0o755 : 0o644
    addFile(tree, source.slice(ownFilesDirectory.length + 1), content, mode)
  }
}

function renderRelease(input: TreeInput): string {
  const versions = input.packages.map(({ name, version }) => `PACKAGE ${name} ${version}\n`)
  return `API_VERSION=${input.apiVersion}\nARCHITECTURE=${input.architecture}\nKERNEL=${input.kernelVersion}\n${versions.join('')}`
}

/** Everything the appliance's memory holds after boot. Reads the extracted packages, runs nothing out of them. */
export async function buildTree(input: TreeInput): Promise<FileTree> {
  const libraries = multiarchDirectories[input.architecture]
  if (libraries === undefined) throw new Error(`no appliance can be built for ${input.architecture} yet`)
  const tree: FileTree = new Map()
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) addSymlink(tree, name, `usr/${name}`)
  for (const path of ['dev', 'proc', 'sys', 'run', 'mnt', 'var/lib', 'etc/dropbear', 'usr/local/bin']) addDirectory(tree, path)
  addDirectory(tree, 'tmp', 0o1777)
  addDirectory(tree, 'root', 0o700)
  addSymlink(tree, 'etc/mtab', '/proc/self/mounts')
  addSymlink(tree, 'var/run', '/run')
  // The kernel opens it for PID 1 before anything is mounted.
  addCharacterDevice(tree, 'dev/console', 5, 1)
  // Copied to /dev by PID 1: opening one loads its module. Minor numbers: the kernel's Documentation/admin-guide/devices.txt.
  for (const [name, minor] of Object.entries({ 'mapper/control': 236, 'loop-control': 237, 'btrfs-control': 234 })) {
    addCharacterDevice(tree, `usr/lib/host-deployer/dev/${name}`, 10, minor)
  }
  await addPrograms(tree, input.root)
  await addSharedLibraries(tree, input.root, [libraries])
  await addModules(tree, input)
  await addOwnFiles(tree)
  // The C library comes first in every program, hence at one address in all of them: an emulating QEMU (7.2) translates it once, not anew for each set
  // of libraries.
  addFile(tree, 'etc/ld.so.preload', `/${libraries}/libc.so.6\n`, 0o644)
  // See etc/fstab.
  addFile(tree, 'usr/lib/host-deployer/nothing', '', 0o444)
  addFile(tree, 'etc/appliance-release', renderRelease(input), 0o644)
  return tree
}
