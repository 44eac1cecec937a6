// Partition tables as bytes: a master boot record has four entries of 16 bytes at 446 and ends with 55 AA (LBA addressing, sectors of 512 bytes).

export interface PartitionExtent {
  readonly startBytes: number
  readonly sizeBytes: number
  /** Default 0x83, Linux. */
  readonly type?: number
}

/** The first sector of a disk with up to four primary partitions. */
export function mbrTable(partitions: readonly PartitionExtent[]): Uint8Array {
  const sector = Buffer.alloc(512)
  for (const [index, { startBytes, sizeBytes, type = 0x83 }] of partitions.entries()) {
    const at = 446 + index * 16
    sector[at + 4] = type
    sector.writeUInt32LE(Math.floor(startBytes / 512), at + 8)
    sector.writeUInt32LE(Math.floor(sizeBytes / 512), at + 12)
  }
  sector.writeUInt16LE(0xaa55, 510)
  return new Uint8Array(sector)
}

/** What {@link mbrTable} was given, from its result; an empty list for a sector that is none. */
export function parseMbrTable(sector: Uint8Array): readonly PartitionExtent[] {
  const bytes = Buffer.from(sector)
  if (bytes.length < 512 || bytes.readUInt16LE(510) !== 0xaa55) return []
  return [0, 1, 2, 3]
    .map((index) => 446 + index * 16)
    .filter((at) => bytes[at + 4] !== 0)
    .map((at) => ({ type: bytes[at + 4] ?? 0, startBytes: bytes.readUInt32LE(at + 8) * 512, sizeBytes: bytes.readUInt32LE(at + 12) * 512 }))
}

/** A chain of logical partitions that leads back to its own start: a reader without a limit never ends. */
export const loopingLogicalPartitions: ReadonlyMap<number, Uint8Array> = new Map([
  [0, mbrTable([{ startBytes: 1024 * 1024, sizeBytes: 32 * 1024 * 1024, type: 0x05 }])],
  [
    1024 * 1024,
    mbrTable([
      { startBytes: 512, sizeBytes: 1024 * 1024 },
      { startBytes: 0, sizeBytes: 32 * 1024 * 1024, type: 0x05 },
    ]),
  ],
])

/** A GPT header with the right magic, an absurd number of entries far beyond the disk's end, and no valid checksum. */
export function absurdGpt(): ReadonlyMap<number, Uint8Array> {
  const header = Buffer.alloc(512)
  header.write('EFI PART', 0, 'latin1')
  header.writeUInt32LE(0x0001_0000, 8)
  header.writeUInt32LE(0xffff_ffff, 12)
  header.writeBigUInt64LE(1n, 24)
  header.writeBigUInt64LE(0xffff_ffff_ffff_fff0n, 32)
  header.writeBigUInt64LE(0xffff_ffff_ffff_0000n, 72)
  header.writeUInt32LE(0xffff_ffff, 80)
  header.writeUInt32LE(0x8000_0000, 84)
  return new Map([
    [0, mbrTable([{ startBytes: 512, sizeBytes: 0xffff_ffff * 512, type: 0xee }])],
    [512, new Uint8Array(header)],
  ])
}
