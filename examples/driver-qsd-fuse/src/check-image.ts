import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { DiskError, type DiskRequest, type ImageFile } from '@host-deployer/driver-api'

const refused = (code: string, { path }: ImageFile, reason: string, cause?: unknown): DiskError =>
  new DiskError(code, `${path}: ${reason}`, { context: { path }, cause })

const codes: Readonly<Record<string, string>> = {
  ENOENT: 'IMAGE_NOT_FOUND',
  ENOTDIR: 'IMAGE_NOT_FOUND',
  EACCES: 'IMAGE_PERMISSION_DENIED',
  EPERM: 'IMAGE_PERMISSION_DENIED',
  EROFS: 'IMAGE_PERMISSION_DENIED',
  EISDIR: 'IMAGE_NOT_A_DISK',
  ELOOP: 'IMAGE_NOT_A_DISK',
  ENXIO: 'IMAGE_NOT_A_DISK',
}

/** Looks at every file of a disk before QEMU does, for what QEMU would not tell or would follow. Gives each one's QEMU driver for its file. */
export async function checkImages({ chain, access }: DiskRequest): Promise<('file' | 'host_device')[]> {
  const drivers: ('file' | 'host_device')[] = []
  for (const [index, image] of chain.entries()) {
    const flags =
      (index === 0 && access === 'read-write' ? constants.O_RDWR : constants.O_RDONLY) | constants.O_NOFOLLOW | constants.O_NONBLOCK
    const handle = await open(image.path, flags).catch((error: NodeJS.ErrnoException) => {
      throw refused(codes[error.code ?? ''] ?? 'IMAGE_UNREADABLE', image, `cannot be opened (${error.code})`, error)
    })
    try {
      drivers.push(await checkImage(handle, image, index === chain.length - 1))
    } finally {
      await handle.close()
    }
  }
  return drivers
}

async function checkImage(handle: FileHandle, image: ImageFile, isLast: boolean): Promise<'file' | 'host_device'> {
  const stats = await handle.stat()
  if (!stats.isFile() && !stats.isBlockDevice()) throw refused('IMAGE_NOT_A_DISK', image, 'is neither a file nor a block device')
  const driver = stats.isFile() ? 'file' : 'host_device'
  if (image.format === 'raw') {
    if (!isLast) throw refused('IMAGE_CHAIN_MISMATCH', image, 'is raw, and the chain goes on')
    return driver
  }
  // The header by docs/interop/qcow2.txt of QEMU.
  const { buffer: header, bytesRead } = await handle.read(Buffer.alloc(104), 0, 104, 0)
  if (bytesRead < 72 || header.readUInt32BE(0) !== 0x514649fb) throw refused('IMAGE_DAMAGED', image, 'is no qcow2 image')
  const l1End = header.readBigUInt64BE(40) + BigInt(header.readUInt32BE(36)) * 8n
  const refcountsEnd = header.readBigUInt64BE(48) + (BigInt(header.readUInt32BE(56)) << BigInt(header.readUInt32BE(20) & 31))
  // QEMU reads zeros behind the end of a file.
  if (stats.isFile() && (l1End > stats.size || refcountsEnd > stats.size)) throw refused('IMAGE_DAMAGED', image, 'has been cut off')
  if (header.readUInt32BE(4) >= 3 && (header.readBigUInt64BE(72) & 4n) !== 0n)
    throw refused('IMAGE_DATA_FILE_REFUSED', image, 'keeps its data in another file')
  if (header.readUInt32BE(32) !== 0) throw refused('IMAGE_ENCRYPTED', image, 'is encrypted by qcow2')
  if ((header.readBigUInt64BE(8) !== 0n) === isLast) throw refused('IMAGE_CHAIN_MISMATCH', image, 'has another chain than the request says')
  return driver
}
