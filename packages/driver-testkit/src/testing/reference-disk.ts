// Disks of the reference driver: an image file as a guest sees it, without a kernel.
import { open, stat, writeFile } from 'node:fs/promises'
import { DiskError, type DiskRequest, type ImageFile } from '@host-deployer/driver-api'
import { buildQcow2, CLUSTER_BYTES } from '../build-qcow2.ts'
import { type OpenImage, openImage } from '../read-image.ts'

/** A disk that can be read and written. */
export interface ReferenceDisk {
  readonly sizeBytes: number
  readonly readOnly: boolean
  read(offset: number, length: number): Promise<Uint8Array>
  /** Rejects on a read-only disk and beyond the end. */
  write(offset: number, bytes: Uint8Array): Promise<void>
  /** Brings what was written to the image, unless it is to be thrown away, and lets go of the files. */
  close(): Promise<void>
}

const refused = (code: string, path: string): DiskError => new DiskError(code, `${path}: ${code}`, { context: { path } })

async function checkFile(file: ImageFile): Promise<void> {
  const stats = await stat(file.path).catch(() => {
    throw refused('IMAGE_NOT_FOUND', file.path)
  })
  if (!stats.isFile()) throw refused('IMAGE_NOT_A_DISK', file.path)
}

/** Checks what a qcow2 header says against the file's length and the chain. */
async function checkHeader(file: ImageFile, isLast: boolean): Promise<void> {
  if (file.format === 'raw') return
  const handle = await open(file.path, 'r')
  try {
    const [{ size }, { buffer, bytesRead }] = [await handle.stat(), await handle.read(Buffer.alloc(104), 0, 104, 0)]
    if (bytesRead < 104 || buffer.toString('latin1', 0, 4) !== 'QFI\xfb' || buffer.readUInt32BE(20) !== 16)
      throw refused('IMAGE_DAMAGED', file.path)
    const end = (at: number, length: number): number => Number(buffer.readBigUInt64BE(at)) + length
    const tooLong = end(40, buffer.readUInt32BE(36) * 8) > size || end(48, CLUSTER_BYTES) > size
    const tooLarge = Number(buffer.readBigUInt64BE(24)) > buffer.readUInt32BE(36) * (CLUSTER_BYTES / 8) * CLUSTER_BYTES
    if (tooLong || tooLarge) throw refused('IMAGE_DAMAGED', file.path)
    const hasBacking = buffer.readBigUInt64BE(8) !== 0n
    if (hasBacking === isLast) throw refused('IMAGE_CHAIN_MISMATCH', file.path)
  } finally {
    await handle.close()
  }
}

async function writeBack(image: OpenImage, file: ImageFile, backing: ImageFile | undefined, written: ReadonlyMap<number, Uint8Array>) {
  const own = await image.ownClusters()
  if (own === undefined) {
    const handle = await open(file.path, 'r+')
    for (const [index, bytes] of written) {
      const at = index * CLUSTER_BYTES
      await handle.write(bytes, 0, Math.min(bytes.length, image.sizeBytes - at), at)
    }
    await handle.close()
    return
  }
  const clusters = new Map<number, Uint8Array>()
  for (const index of own.indexes) clusters.set(index, await image.read(index * CLUSTER_BYTES, CLUSTER_BYTES))
  for (const [index, bytes] of written) clusters.set(index, bytes)
  await writeFile(file.path, buildQcow2({ sizeBytes: image.sizeBytes, clusters, ...(backing !== undefined && { backing }) }))
}

/** Opens the disk of a request. `IMAGE_NOT_FOUND`, `IMAGE_NOT_A_DISK`, `IMAGE_DAMAGED`, `IMAGE_CHAIN_MISMATCH`. */
export async function openReferenceDisk({ chain, access }: DiskRequest): Promise<ReferenceDisk> {
  for (const [index, file] of chain.entries()) {
    await checkFile(file)
    await checkHeader(file, index === chain.length - 1)
  }
  const image = await openImage(chain[0])
  // Clusters in memory, by number, until close.
  const written = new Map<number, Uint8Array>()
  const clusterOf = async (index: number): Promise<Uint8Array> =>
    written.get(index) ?? new Uint8Array(await image.read(index * CLUSTER_BYTES, CLUSTER_BYTES))
  return {
    sizeBytes: image.sizeBytes,
    readOnly: access === 'read-only',
    async read(offset, length) {
      const index = Math.floor(offset / CLUSTER_BYTES)
      const from = offset - index * CLUSTER_BYTES
      return (await clusterOf(index)).slice(from, from + length)
    },
    async write(offset, bytes) {
      if (access === 'read-only') throw new Error('The disk is read-only')
      if (offset + bytes.length > image.sizeBytes) throw new Error('Beyond the end of the disk')
      const index = Math.floor(offset / CLUSTER_BYTES)
      const cluster = await clusterOf(index)
      cluster.set(bytes, offset - index * CLUSTER_BYTES)
      written.set(index, cluster)
    },
    async close() {
      try {
        if (access === 'read-write' && written.size > 0) await writeBack(image, chain[0], chain[1], written)
      } finally {
        await image.close()
      }
    },
  }
}
