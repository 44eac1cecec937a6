import { constants } from 'node:fs'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { DiskError, type DiskRequest, type ImageFile } from '@host-deployer/driver-api'
import { parseQcow2Header, QCOW2_HEADER_BYTES } from './qcow2-header.ts'
import { emptyQcow2Overlay } from './qcow2-overlay.ts'
import type { ResourceStack } from './resource-stack.ts'

/** One file of a chain, opened. QEMU gets the descriptor, never the path. */
export interface OpenedImage {
  readonly handle: FileHandle
  readonly format: ImageFile['format']
  readonly kind: 'file' | 'block-device'
  readonly writable: boolean
}

/** A disk of the request with every file of its chain open, the one that is written first. */
export interface OpenedDisk {
  readonly id: string
  readonly readOnly: boolean
  readonly images: readonly [OpenedImage, ...OpenedImage[]]
}

function refused(code: string, path: string, message: string, hint?: string, cause?: unknown): DiskError {
  return new DiskError(code, `${path}: ${message}`, { ...(hint !== undefined && { hint }), context: { path }, cause })
}

function openError(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOENT' || code === 'ENOTDIR') return refused('IMAGE_NOT_FOUND', path, 'there is no such image', undefined, error)
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return refused('IMAGE_PERMISSION_DENIED', path, 'may not be opened', 'Run as a user who may read and write the image.', error)
  }
  if (code === 'EISDIR' || code === 'ELOOP' || code === 'ENXIO') {
    return refused('IMAGE_NOT_A_DISK', path, 'neither a regular file nor a block device', undefined, error)
  }
  return refused('IMAGE_UNREADABLE', path, `could not be opened (${code})`, undefined, error)
}

async function openImage(file: ImageFile, writable: boolean, stack: ResourceStack): Promise<OpenedImage> {
  // The caller has resolved symlinks and checked the path; whoever planted one since then is not followed. A FIFO must not block us.
  const flags = (writable ? constants.O_RDWR : constants.O_RDONLY) | constants.O_NOFOLLOW | constants.O_NONBLOCK
  let handle: FileHandle
  try {
    handle = await open(file.path, flags)
  } catch (error) {
    throw openError(error, file.path)
  }
  stack.defer(file.path, () => handle.close())
  const stats = await handle.stat()
  if (!stats.isFile() && !stats.isBlockDevice()) throw refused('IMAGE_NOT_A_DISK', file.path, 'neither a regular file nor a block device')
  return { handle, format: file.format, kind: stats.isFile() ? 'file' : 'block-device', writable }
}

/** Checks what the header claims against the chain the caller allows, since QEMU must not open a file by a name it finds in an image. */
async function checkHeader(image: OpenedImage, file: ImageFile, isLast: boolean): Promise<void> {
  if (image.format === 'raw') {
    if (!isLast) throw refused('IMAGE_CHAIN_MISMATCH', file.path, 'a raw image has no backing file, but the chain goes on')
    return
  }
  const { buffer, bytesRead } = await image.handle.read(Buffer.alloc(QCOW2_HEADER_BYTES), 0, QCOW2_HEADER_BYTES, 0)
  const header = parseQcow2Header(buffer.subarray(0, bytesRead))
  if (header === undefined) throw refused('IMAGE_DAMAGED', file.path, 'does not start as a qcow2 image of version 2 or 3 does')
  const sizeBytes = image.kind === 'file' ? (await image.handle.stat()).size : Number.POSITIVE_INFINITY
  if (header.tablesEndBytes > sizeBytes) {
    throw refused('IMAGE_DAMAGED', file.path, `is cut off: its tables end at ${header.tablesEndBytes}, the file at ${sizeBytes}`)
  }
  if (header.hasExternalDataFile) {
    throw refused(
      'IMAGE_DATA_FILE_REFUSED',
      file.path,
      'keeps its data in another file',
      'Convert it to a qcow2 image of one file with qemu-img.',
    )
  }
  if (header.encrypted)
    throw refused('IMAGE_ENCRYPTED', file.path, 'is encrypted by qcow2 itself', 'Convert it to an image without encryption.')
  if (header.hasBackingFile === isLast) {
    const claim = isLast ? 'has a backing file that is not part of the chain' : 'has no backing file, but the chain goes on'
    throw refused('IMAGE_CHAIN_MISMATCH', file.path, claim)
  }
}

async function virtualSizeBytes(image: OpenedImage): Promise<number> {
  if (image.format === 'qcow2') {
    const { buffer } = await image.handle.read(Buffer.alloc(QCOW2_HEADER_BYTES), 0, QCOW2_HEADER_BYTES, 0)
    return parseQcow2Header(buffer)?.virtualSizeBytes ?? 0
  }
  if (image.kind === 'file') return (await image.handle.stat()).size
  // stat(2) says zero for a device; the end of it is found by reading.
  let low = 0
  let high = 512
  const readable = async (position: number): Promise<boolean> => (await image.handle.read(Buffer.alloc(1), 0, 1, position)).bytesRead === 1
  while (await readable(high - 1)) {
    low = high
    high *= 2
  }
  while (high - low > 512) {
    const middle = low + Math.floor((high - low) / 1024) * 512
    if (await readable(middle)) low = middle
    else high = middle
  }
  return low + ((await readable(low)) ? 512 : 0)
}

/** A file without a name in the session's directory: it goes with its last descriptor, whatever happens to us. */
export async function createUnnamedFile(directory: string, name: string, stack: ResourceStack): Promise<FileHandle> {
  const path = join(directory, name)
  const handle = await open(path, 'wx+', 0o600)
  stack.defer(path, () => handle.close())
  await unlink(path)
  return handle
}

async function createOverlay(directory: string, id: string, base: OpenedImage, stack: ResourceStack): Promise<OpenedImage> {
  const sizeBytes = Math.ceil((await virtualSizeBytes(base)) / 512) * 512
  const handle = await createUnnamedFile(directory, `scratch-${id}`, stack)
  await handle.writeFile(emptyQcow2Overlay(sizeBytes))
  return { handle, format: 'qcow2', kind: 'file', writable: true }
}

/**
 * Opens every file of a disk's chain: only the first for writing, and that only for `read-write`. `scratch` puts a nameless overlay in `directory`
 * on top. The descriptors are registered with `stack`.
 *
 * `IMAGE_NOT_FOUND`, `IMAGE_PERMISSION_DENIED`, `IMAGE_NOT_A_DISK`, `IMAGE_UNREADABLE`, `IMAGE_DAMAGED`, `IMAGE_DATA_FILE_REFUSED`, `IMAGE_ENCRYPTED`,
 * `IMAGE_CHAIN_MISMATCH` (the header names a backing file and the chain ends, or the other way round).
 */
export async function openDisk(disk: DiskRequest, directory: string, stack: ResourceStack): Promise<OpenedDisk> {
  const open = async (file: ImageFile, index: number): Promise<OpenedImage> => {
    const image = await openImage(file, index === 0 && disk.access === 'read-write', stack)
    await checkHeader(image, file, index === disk.chain.length - 1)
    return image
  }
  const [first, ...backing] = disk.chain
  const images: [OpenedImage, ...OpenedImage[]] = [await open(first, 0)]
  for (const [index, file] of backing.entries()) images.push(await open(file, index + 1))
  if (disk.access === 'scratch') images.unshift(await createOverlay(directory, disk.id, images[0], stack))
  return { id: disk.id, readOnly: disk.access === 'read-only', images }
}
