import type { DiskRequest, ImageFile } from '@host-deployer/driver-api'
import { mbrTable } from './partition-tables.ts'
import { createQcow2Image, createRawImage, type DiskContent } from './test-images.ts'

export const MIB = 1024 * 1024

/** The disks of a group's session: every access, both formats, and each with a size of its own, so that mixing two up is noticed. */
export interface Disks {
  /** Raw, read-write, empty but for its mark. */
  readonly data: DiskRequest
  /** Qcow2, read-write. */
  readonly image: DiskRequest
  /** Raw, read-only, with a partition table. */
  readonly sealed: DiskRequest
  /** Raw, scratch. */
  readonly scratch: DiskRequest
  /** Qcow2 on a raw base, read-write. */
  readonly overlay: DiskRequest
}

export const sizeOf: Readonly<Record<keyof Disks, number>> = {
  data: 32 * MIB,
  image: 33 * MIB,
  sealed: 34 * MIB,
  scratch: 35 * MIB,
  overlay: 36 * MIB,
}

/** Where the marks are: no partition table, file system or LVM label reaches there. */
export const MARK_AT = 24 * MIB

/** A block that says which disk it is on. */
export const markOf = (id: string): Uint8Array => new Uint8Array(Buffer.alloc(512, `disk ${id}. `))

/** The partitions of {@link Disks.sealed}. */
export const sealedPartitions = [
  { startBytes: MIB, sizeBytes: 8 * MIB },
  { startBytes: 9 * MIB, sizeBytes: 5 * MIB },
] as const

const marked = (id: string, more: DiskContent = new Map()): DiskContent => new Map([...more, [MARK_AT, markOf(id)]])

/** Makes the images of {@link Disks} in `directory`. */
export async function createDisks(directory: string): Promise<Disks> {
  const base = await createRawImage(directory, 'base', sizeOf.overlay, marked('overlay'))
  const chains: Readonly<Record<keyof Disks, readonly [ImageFile, ...ImageFile[]]>> = {
    data: [await createRawImage(directory, 'data', sizeOf.data, marked('data'))],
    image: [await createQcow2Image(directory, 'image', sizeOf.image, undefined, marked('image'))],
    sealed: [await createRawImage(directory, 'sealed', sizeOf.sealed, marked('sealed', new Map([[0, mbrTable(sealedPartitions)]])))],
    scratch: [await createRawImage(directory, 'scratch', sizeOf.scratch, marked('scratch'))],
    overlay: [await createQcow2Image(directory, 'overlay', sizeOf.overlay, base), base],
  }
  const disk = (id: keyof Disks, access: DiskRequest['access']): DiskRequest => ({ id, access, chain: chains[id] })
  return {
    data: disk('data', 'read-write'),
    image: disk('image', 'read-write'),
    sealed: disk('sealed', 'read-only'),
    scratch: disk('scratch', 'scratch'),
    overlay: disk('overlay', 'read-write'),
  }
}
