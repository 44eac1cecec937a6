import { constants, type PathLike } from 'node:fs'
import { copyFile, type FileHandle, open, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { ResourceStack } from '@host-deployer/driver-kit'
import type { Appliance } from './appliance-manifest.ts'
import { type BootKeys, bootKeysArchive } from './boot-keys.ts'
import type { VmUser } from './vm-user.ts'

/** A copy without a name that belongs to the VM's user: QEMU reopens it through /proc/self/fd, which checks owner and mode anew. */
async function unnamedCopy(source: PathLike, path: string, user: VmUser | undefined, stack: ResourceStack): Promise<FileHandle> {
  await copyFile(source, path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  let handle: FileHandle
  try {
    handle = await open(path, 'r+')
    stack.defer(path, () => handle.close())
  } finally {
    await unlink(path)
  }
  await handle.chmod(0o600)
  if (user !== undefined) await handle.chown(user.uid, user.gid)
  return handle
}

/** Opens the kernel or the unchanged initramfs, in a form that the VM's user may read. `directory` is the session's private one (0700). */
export async function openBootFile(
  appliance: Appliance,
  name: 'kernel' | 'initramfs',
  directory: string,
  user: VmUser | undefined,
  stack: ResourceStack,
): Promise<FileHandle> {
  const path = appliance[name]
  const readable = user === undefined || ((await stat(path)).mode & 0o004) !== 0
  if (!readable) return unnamedCopy(path, join(directory, name), user, stack)
  const handle = await open(path, 'r')
  stack.defer(path, () => handle.close())
  return handle
}

/**
 * Makes the initramfs of one VM: the appliance's with the keys appended. It has no name afterwards that anybody could open, and goes with its last
 * descriptor. `directory` is the session's private one (0700).
 */
export async function makeInitramfs(
  appliance: Appliance,
  keys: BootKeys,
  directory: string,
  user: VmUser | undefined,
  stack: ResourceStack,
): Promise<FileHandle> {
  const initramfs = await unnamedCopy(appliance.initramfs, join(directory, 'initramfs'), user, stack)
  await initramfs.write(bootKeysArchive(keys), 0, null, appliance.manifest.initramfs.sizeBytes)
  return initramfs
}
