// The qcow2 format, version 3; see docs/interop/qcow2.txt of QEMU. Made here and not by qemu-img, so that the kit needs no tools and can also make
// images no tool would.

export const CLUSTER_BYTES = 65_536
const ENTRIES_PER_TABLE = CLUSTER_BYTES / 8
/** Bytes that one L2 table maps. */
const L2_SPAN_BYTES = ENTRIES_PER_TABLE * CLUSTER_BYTES
const HEADER_BYTES = 104
const BACKING_FORMAT_EXTENSION = 0xe2792aca
/** "This cluster's reference count is exactly one" in L1 and L2 entries. */
const COPIED = 1n << 63n

export interface Qcow2Content {
  readonly sizeBytes: number
  /** Clusters by their number in the virtual disk; all others read as zeros, or as the backing file. */
  readonly clusters: ReadonlyMap<number, Uint8Array>
  readonly backing?: { readonly path: string; readonly format: string }
}

interface Layout {
  readonly l2Indexes: readonly number[]
  readonly dataIndexes: readonly number[]
  readonly clusterCount: number
}

// Cluster 0 header, 1 reference table, 2 reference block, 3 L1 table, then L2 tables, then data.
const FIRST_L2 = 4

function layOut({ sizeBytes, clusters }: Qcow2Content): Layout {
  const dataIndexes = [...clusters.keys()].sort((a, b) => a - b)
  const l2Indexes = [...new Set(dataIndexes.map((index) => Math.floor(index / ENTRIES_PER_TABLE)))]
  const clusterCount = FIRST_L2 + l2Indexes.length + dataIndexes.length
  if (clusterCount > CLUSTER_BYTES / 2 || sizeBytes > ENTRIES_PER_TABLE * L2_SPAN_BYTES)
    throw new TypeError('More than this writer lays out')
  return { l2Indexes, dataIndexes, clusterCount }
}

function writeHeader(file: Buffer, { sizeBytes, backing }: Qcow2Content): void {
  file.write('QFI\xfb', 0, 'latin1')
  file.writeUInt32BE(3, 4)
  file.writeUInt32BE(16, 20)
  file.writeBigUInt64BE(BigInt(sizeBytes), 24)
  file.writeUInt32BE(Math.max(1, Math.ceil(sizeBytes / L2_SPAN_BYTES)), 36)
  file.writeBigUInt64BE(BigInt(3 * CLUSTER_BYTES), 40)
  file.writeBigUInt64BE(BigInt(CLUSTER_BYTES), 48)
  file.writeUInt32BE(1, 56)
  file.writeUInt32BE(4, 96)
  file.writeUInt32BE(HEADER_BYTES, 100)
  if (backing === undefined) return
  file.writeUInt32BE(BACKING_FORMAT_EXTENSION, HEADER_BYTES)
  file.writeUInt32BE(backing.format.length, HEADER_BYTES + 4)
  file.write(backing.format, HEADER_BYTES + 8, 'latin1')
  // The extension is padded to 8 bytes, then eight zeros end the list.
  const nameAt = HEADER_BYTES + 8 + Math.ceil(backing.format.length / 8) * 8 + 8
  file.writeBigUInt64BE(BigInt(nameAt), 8)
  file.writeUInt32BE(file.write(backing.path, nameAt), 16)
}

/** The bytes of a qcow2 file: 64 KiB clusters, 16-bit reference counts, nothing compressed. At most some 2 GiB of content. */
export function buildQcow2(content: Qcow2Content): Uint8Array {
  const { l2Indexes, dataIndexes, clusterCount } = layOut(content)
  const file = Buffer.alloc(clusterCount * CLUSTER_BYTES)
  writeHeader(file, content)
  file.writeBigUInt64BE(BigInt(2 * CLUSTER_BYTES), CLUSTER_BYTES)
  for (let cluster = 0; cluster < clusterCount; cluster += 1) file.writeUInt16BE(1, 2 * CLUSTER_BYTES + cluster * 2)
  for (const [position, index] of l2Indexes.entries()) {
    file.writeBigUInt64BE(BigInt((FIRST_L2 + position) * CLUSTER_BYTES) | COPIED, 3 * CLUSTER_BYTES + index * 8)
  }
  for (const [position, index] of dataIndexes.entries()) {
    const at = (FIRST_L2 + l2Indexes.length + position) * CLUSTER_BYTES
    const table = FIRST_L2 + l2Indexes.indexOf(Math.floor(index / ENTRIES_PER_TABLE))
    file.writeBigUInt64BE(BigInt(at) | COPIED, table * CLUSTER_BYTES + (index % ENTRIES_PER_TABLE) * 8)
    file.set((content.clusters.get(index) ?? new Uint8Array()).subarray(0, CLUSTER_BYTES), at)
  }
  return file
}
