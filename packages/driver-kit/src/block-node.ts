import type { OpenedDisk, OpenedImage } from './open-images.ts'

/** An option tree of QMP's `blockdev-add`, of `json:` as a file name. */
export type BlockNode = Readonly<Record<string, unknown>>

export interface BlockNodeOptions {
  /** How QEMU reaches each image of the disk, the first one first: `/dev/fdset/3`, `/proc/self/fd/5`. */
  readonly filenames: readonly string[]
  readonly nodeName?: string
  /**
   * Nobody else may write a raw image meanwhile. A device of a VM sees to that itself, and so does qcow2; an export by NBD shares a raw image with
   * every writer, unless blkdebug's `unshare-child-perms` is between them.
   */
  readonly exclusive?: boolean
}

function imageNode(image: OpenedImage, filename: string, backing: BlockNode | undefined, exclusive: boolean): BlockNode {
  const access = { 'read-only': !image.writable, 'auto-read-only': false, discard: 'unmap' }
  const storage = { driver: image.kind === 'file' ? 'file' : 'host_device', filename, ...access }
  const guarded = exclusive && image.format === 'raw'
  const file = guarded ? { driver: 'blkdebug', 'unshare-child-perms': ['write', 'resize'], image: storage, ...access } : storage
  // An explicit null: otherwise QEMU would open what the header names.
  return { driver: image.format, file, ...access, ...(image.format === 'qcow2' && { backing: backing ?? null }) }
}

/** The block node of a whole chain, every file of it by its descriptor. Nothing in it is a name QEMU has to resolve. */
export function blockNode(disk: OpenedDisk, { filenames, nodeName, exclusive = false }: BlockNodeOptions): BlockNode {
  const build = (index: number): BlockNode | undefined => {
    const image = disk.images[index]
    const filename = filenames[index]
    return image === undefined || filename === undefined ? undefined : imageNode(image, filename, build(index + 1), exclusive)
  }
  return { ...(nodeName === undefined ? {} : { 'node-name': nodeName }), ...build(0) }
}
