import type { OpenedDisk, OpenedImage } from './open-images.ts'

/** An option tree of QMP's `blockdev-add`. */
export type BlockNode = Readonly<Record<string, unknown>>

function imageNode(image: OpenedImage, fdSet: number, backing: BlockNode | undefined): BlockNode {
  const access = { 'read-only': !image.writable, 'auto-read-only': false, discard: 'unmap' }
  const file = { driver: image.kind === 'file' ? 'file' : 'host_device', filename: `/dev/fdset/${fdSet}`, ...access }
  // An explicit null: otherwise QEMU would open what the header names.
  return { driver: image.format, file, ...access, ...(image.format === 'qcow2' && { backing: backing ?? null }) }
}

/** The block node `nodeName` of a whole chain, every file of it by its fd set (first file first). Nothing in it is a name QEMU has to resolve. */
export function blockNode(nodeName: string, disk: OpenedDisk, fdSets: readonly number[]): BlockNode {
  const build = (index: number): BlockNode | undefined => {
    const image = disk.images[index]
    const fdSet = fdSets[index]
    return image === undefined || fdSet === undefined ? undefined : imageNode(image, fdSet, build(index + 1))
  }
  return { 'node-name': nodeName, ...build(0) }
}
