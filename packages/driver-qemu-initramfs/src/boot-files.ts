import { constants, type PathLike } from 'node:fs'
import { copyFile, type FileHandle, open, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { ResourceStack } from '@host-deployer/driver-kit'
import type { Appliance } from './appliance-manifest.ts'
import { type BootKeys, bootKeysArchive } from './boot-keys.ts'
import type { VmUser } from './vm-user.ts'

/** What QEMU boots, as descriptors. */
export interface BootFiles {
  readonly kernel: FileHandle
  readonly initramfs: FileHandle
}

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

/**
 * Opens the kernel and makes the initramfs of one VM: the appliance's with the keys appended. Neither has a name afterwards that anybody
 * could open, and both go with their last descriptor. `directory` is the session's private one (0700).
 */
export async function openBootFiles(
  appliance: Appliance,
  keys: BootKeys,
  directory: string,
  user: VmUser | undefined,
  stack: ResourceStack,
): Promise<BootFiles> {
  const initramfs = await unnamedCopy(appliance.initramfs, join(directory, 'initramfs'), user, stack)
  await initramfs.write(bootKeysArchive(keys), 0, null, appliance.manifest.initramfs.sizeBytes)
  const readable = user === undefined || ((await stat(appliance.kernel)).mode & 0o004) !== 0
  if (!readable) return { kernel: await unnamedCopy(appliance.kernel, join(directory, 'kernel'), user, stack), initramfs }
  const kernel = await open(appliance.kernel, 'r')
  stack.defer(appliance.kernel, () => kernel.close())
  return { kernel, initramfs }
}
