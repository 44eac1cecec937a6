// The qcow2 header, see docs/interop/qcow2.txt of QEMU. Only what decides whether an image may be opened: QEMU reads the rest.

/** Clusters come from another file; the header names it. */
const INCOMPATIBLE_EXTERNAL_DATA_FILE = 1n << 2n

export interface Qcow2Header {
  readonly version: 2 | 3
  readonly virtualSizeBytes: number
  readonly hasBackingFile: boolean
  readonly hasExternalDataFile: boolean
  readonly encrypted: boolean
  /** Where the last of the tables that every image has ends: a shorter file has been cut off. QEMU itself would read zeros there. */
  readonly tablesEndBytes: number
}

/** Bytes {@link parseQcow2Header} wants to see from the start of the file; a shorter file is given as it is. */
export const QCOW2_HEADER_BYTES = 104

/** Reads the header. `undefined` when these bytes are not the start of a qcow2 image of version 2 or 3. */
export function parseQcow2Header(bytes: Uint8Array): Qcow2Header | undefined {
  if (bytes.length < 72) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(0) !== 0x514649fb) return undefined
  const version = view.getUint32(4)
  if (version !== 2 && version !== 3) return undefined
  // The format's own limits of a cluster: 512 bytes to 2 MiB.
  if (view.getUint32(20) < 9 || view.getUint32(20) > 21) return undefined
  if (version === 3 && bytes.length < QCOW2_HEADER_BYTES) return undefined
  const size = view.getBigUint64(24)
  const l1End = view.getBigUint64(40) + BigInt(view.getUint32(36)) * 8n
  const refcountsEnd = view.getBigUint64(48) + (BigInt(view.getUint32(56)) << BigInt(view.getUint32(20)))
  const tablesEnd = l1End > refcountsEnd ? l1End : refcountsEnd
  if (size > BigInt(Number.MAX_SAFE_INTEGER) || tablesEnd > BigInt(Number.MAX_SAFE_INTEGER)) return undefined
  return {
    version,
    virtualSizeBytes: Number(size),
    hasBackingFile: view.getBigUint64(8) !== 0n,
    hasExternalDataFile: version === 3 && (view.getBigUint64(72) & INCOMPATIBLE_EXTERNAL_DATA_FILE) !== 0n,
    encrypted: view.getUint32(32) !== 0,
    tablesEndBytes: Number(tablesEnd),
  }
}
