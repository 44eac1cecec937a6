// An empty qcow2 image, see docs/interop/qcow2.txt of QEMU: header, refcount table, one refcount block, L1 table of zeros.

const CLUSTER_BITS = 16
const CLUSTER_BYTES = 1 << CLUSTER_BITS
// An L2 table fills one cluster with entries of eight bytes.
const BYTES_PER_L1_ENTRY = CLUSTER_BYTES * (CLUSTER_BYTES / 8)
// The refcount block of 16-bit entries counts this many clusters: more than any L1 table here has.
const L1_CLUSTER = 3

/**
 * An empty qcow2 image of `virtualSizeBytes` (a multiple of 512) that names no backing file: who opens it says explicitly what lies below.
 * Everything unwritten reads from there.
 */
export function emptyQcow2Overlay(virtualSizeBytes: number): Uint8Array {
  const l1Entries = Math.max(1, Math.ceil(virtualSizeBytes / BYTES_PER_L1_ENTRY))
  const clusters = L1_CLUSTER + Math.ceil((l1Entries * 8) / CLUSTER_BYTES)
  const image = new Uint8Array(clusters * CLUSTER_BYTES)
  const view = new DataView(image.buffer)
  view.setUint32(0, 0x514649fb)
  view.setUint32(4, 3)
  view.setUint32(20, CLUSTER_BITS)
  view.setBigUint64(24, BigInt(virtualSizeBytes))
  view.setUint32(36, l1Entries)
  view.setBigUint64(40, BigInt(L1_CLUSTER * CLUSTER_BYTES))
  view.setBigUint64(48, BigInt(CLUSTER_BYTES))
  view.setUint32(56, 1)
  // 2^4 = 16 bits for each refcount; the header is 104 bytes long, followed by the zeros that end the list of extensions.
  view.setUint32(96, 4)
  view.setUint32(100, 104)
  view.setBigUint64(CLUSTER_BYTES, BigInt(2 * CLUSTER_BYTES))
  for (let cluster = 0; cluster < clusters; cluster += 1) view.setUint16(2 * CLUSTER_BYTES + cluster * 2, 1)
  return image
}
