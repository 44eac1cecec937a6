import type { OpenedDisk, OpenedImage } from './open-images.ts'

/** An option tree of QMP's `blockdev-add`, of `json:` as a file name. */
export type BlockNode = Readonly<Record<string, unknown>>

export interface BlockNodeOptions {
  /** How QEMU reaches each image of the disk, the first one first: `/dev/fdset/3`, `/proc/self/fd/5`. */
  readonly filenames: readonly string[]
  readonly nodeName?: string
  /**
   * Nobody else may write any file of the chain meanwhile. A device of a VM sees to that itself; an export by NBD would share raw images with every
   * writer, were it not for blkdebug's `unshare-child-perms` above the chain.
   */
  readonly exclusive?: boolean
}

function imageNode(image: OpenedImage, filename: string, backing: BlockNode | undefined): BlockNode {
  const access = { 'read-only': !image.writable, 'auto-read-only': false, discard: 'unmap' }
  const file = { driver: image.kind === 'file' ? 'file' : 'host_device', filename, ...access }
  // An explicit null: otherwise QEMU would open what the header names. It would, too, if `backing.file` had no `filename` of its own.
  return { driver: image.format, file, ...access, ...(image.format === 'qcow2' && { backing: backing ?? null }) }
}

/** The block node of a whole chain, every file of it by its descriptor. Nothing in it is a name QEMU has to resolve. */
export function blockNode(disk: OpenedDisk, { filenames, nodeName, exclusive = false }: BlockNodeOptions): BlockNode {
  const build = (index: number): BlockNode | undefined => {
    const image = disk.images[index]
    const filename = filenames[index]
    return image === undefined || filename === undefined ? undefined : imageNode(image, filename, build(index + 1))
  }
  const named = nodeName === undefined ? {} : { 'node-name': nodeName }
  if (!exclusive) return { ...named, ...build(0) }
  const writable = disk.images[0].writable
  const access = { 'read-only': !writable, 'auto-read-only': false, discard: 'unmap' }
  return { ...named, driver: 'blkdebug', 'unshare-child-perms': ['write', 'resize'], image: build(0), ...access }
}
