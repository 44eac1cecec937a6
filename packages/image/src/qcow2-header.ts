/** A qcow2 header, version 2 or 3, as QEMU's docs/interop/qcow2.txt lays it out. Sizes and offsets in bytes. */
export interface Qcow2Header {
  readonly version: 2 | 3
  readonly virtualSizeBytes: number
  readonly clusterBytes: number
  readonly encryption: 'none' | 'aes' | 'luks'
  readonly l1Entries: number
  readonly l1Offset: number
  readonly refcountTableOffset: number
  /** Where the backing file's name is in the file; null when there is none. */
  readonly backingName: { readonly offset: number; readonly length: number } | null
  readonly backingFormat: string | null
  readonly externalDataFile: boolean
  readonly corrupt: boolean
  readonly extendedL2: boolean
  /** Incompatible feature bits this module does not know. Such an image must not be opened. */
  readonly unknownFeatures: readonly number[]
}

/** What is wrong with a header; `reason` is for people. */
export interface Qcow2HeaderProblem {
  readonly problem: 'truncated' | 'invalid'
  readonly reason: string
}

/** Bytes of the file's start that {@link parseQcow2Header} wants: extensions end within the first cluster, in practice far earlier. */
export const QCOW2_HEAD_BYTES = 64 * 1024

const maxL1Bytes = 32 * 1024 * 1024
const extensionBackingFormat = 0xe2792aca

/** Parses the first bytes of a qcow2 file (at least 72, better {@link QCOW2_HEAD_BYTES}). Pure: nothing that the header names is looked at. */
export function parseQcow2Header(head: Uint8Array): Qcow2Header | Qcow2HeaderProblem {
  if (head.length < 72) return { problem: 'truncated', reason: `the header needs 72 bytes, the file has ${head.length}` }
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  const invalid = (reason: string): Qcow2HeaderProblem => ({ problem: 'invalid', reason })

  const version = view.getUint32(4)
  if (version !== 2 && version !== 3) return invalid(`version ${version}`)
  if (version === 3 && head.length < 104)
    return { problem: 'truncated', reason: `a version 3 header needs 104 bytes, the file has ${head.length}` }

  const clusterBits = view.getUint32(20)
  if (clusterBits < 9 || clusterBits > 21) return invalid(`cluster_bits ${clusterBits}`)
  const size = view.getBigUint64(24)
  if (size > 0x1fff_ffff_ffff_ffn) return invalid(`virtual size ${size}`)
  const crypt = view.getUint32(32)
  if (crypt > 2) return invalid(`crypt_method ${crypt}`)
  const l1Entries = view.getUint32(36)
  const l1Offset = view.getBigUint64(40)
  const refcountTableOffset = view.getBigUint64(48)
  if (l1Entries * 8 > maxL1Bytes) return invalid(`an L1 table of ${l1Entries} entries`)
  if (l1Offset > Number.MAX_SAFE_INTEGER || refcountTableOffset > Number.MAX_SAFE_INTEGER) return invalid('a table offset beyond any file')

  const features = version === 3 ? view.getBigUint64(72) : 0n
  const headerLength = version === 3 ? view.getUint32(100) : 72
  if (headerLength < (version === 3 ? 104 : 72) || headerLength > 2 ** clusterBits) return invalid(`header_length ${headerLength}`)
  const unknownFeatures: number[] = []
  for (let bit = 5n; bit < 64n; bit++) if ((features >> bit) & 1n) unknownFeatures.push(Number(bit))

  const clusterBytes = 2 ** clusterBits
  const extendedL2 = (features & 16n) !== 0n
  const virtualSizeBytes = Number(size)
  const bytesPerL1Entry = clusterBytes * (clusterBytes / (extendedL2 ? 16 : 8))
  if (l1Entries < Math.ceil(virtualSizeBytes / bytesPerL1Entry))
    return invalid(`an L1 table of ${l1Entries} entries is too small for ${virtualSizeBytes} bytes`)

  const backingOffset = view.getBigUint64(8)
  const backingLength = view.getUint32(16)
  if (backingOffset !== 0n && (backingLength > 1023 || backingOffset + BigInt(backingLength) > BigInt(clusterBytes))) {
    return invalid('the backing file name lies outside the first cluster')
  }
  return {
    version,
    virtualSizeBytes,
    clusterBytes,
    encryption: crypt === 0 ? 'none' : crypt === 1 ? 'aes' : 'luks',
    l1Entries,
    l1Offset: Number(l1Offset),
    refcountTableOffset: Number(refcountTableOffset),
    backingName: backingOffset === 0n || backingLength === 0 ? null : { offset: Number(backingOffset), length: backingLength },
    backingFormat: backingFormat(view, headerLength, backingOffset === 0n ? clusterBytes : Number(backingOffset)),
    externalDataFile: (features & 4n) !== 0n,
    corrupt: (features & 2n) !== 0n,
    extendedL2,
    unknownFeatures,
  }
}

function backingFormat(view: DataView, headerLength: number, end: number): string | null {
  let offset = headerLength
  while (offset + 8 <= Math.min(view.byteLength, end)) {
    const type = view.getUint32(offset)
    const length = view.getUint32(offset + 4)
    if (type === 0 || offset + 8 + length > view.byteLength) return null
    if (type === extensionBackingFormat) {
      return new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + offset + 8, length))
    }
    offset += 8 + Math.ceil(length / 8) * 8
  }
  return null
}
