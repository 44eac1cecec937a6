import type { FileHandle } from 'node:fs/promises'
import type { Qcow2Header } from './qcow2-header.ts'

/** L2 tables looked into; a sound image has them all inside the file, so a cut one shows within the first few. */
const maxTables = 4096
const offsetMask = 0x00ff_ffff_ffff_fe00n
const compressed = 1n << 62n
const readsAsZero = 1n

/**
 * Looks for clusters that a qcow2 file's tables place beyond its end: the mark of a copy that was cut short. QEMU opens such an image without
 * a word and reads zeros there. Returns the first offset found, or null. Reads tables only (L1, L2), never guest data.
 */
export async function findMissingClusters(file: FileHandle, header: Qcow2Header, fileBytes: number): Promise<number | null> {
  const l1Bytes = header.l1Entries * 8
  if (l1Bytes === 0) return null
  if (header.l1Offset + l1Bytes > fileBytes) return header.l1Offset
  if (header.refcountTableOffset >= fileBytes) return header.refcountTableOffset
  const l1 = await readTable(file, header.l1Offset, l1Bytes)
  let tables = 0
  for (const entry of l1) {
    const tableOffset = Number(entry & offsetMask)
    if (tableOffset === 0) continue
    if (tableOffset + header.clusterBytes > fileBytes) return tableOffset
    tables += 1
    if (tables > maxTables) continue
    const l2 = await readTable(file, tableOffset, header.clusterBytes)
    const step = header.extendedL2 ? 2 : 1
    for (let index = 0; index < l2.length; index += step) {
      const cluster = l2[index] ?? 0n
      const clusterOffset = dataOffset(cluster, header)
      if (clusterOffset >= fileBytes) return clusterOffset
    }
  }
  return null
}

/** Where an L2 entry's data starts in the file; 0 when it has none there. Compressed clusters pack their offset into the low bits. */
function dataOffset(entry: bigint, header: Qcow2Header): number {
  if (entry & compressed) return Number(entry & ((1n << BigInt(62 - (Math.log2(header.clusterBytes) - 8))) - 1n))
  if (!header.extendedL2 && entry & readsAsZero) return 0
  return Number(entry & offsetMask)
}

async function readTable(file: FileHandle, offset: number, bytes: number): Promise<BigUint64Array> {
  const buffer = Buffer.alloc(bytes)
  await file.read(buffer, 0, bytes, offset)
  buffer.swap64()
  return new BigUint64Array(buffer.buffer, buffer.byteOffset, bytes / 8)
}
