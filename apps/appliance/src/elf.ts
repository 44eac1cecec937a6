/** What linking and booting need to know about an ELF file; see elf(5). Little-endian, 64 bit: all that Debian's amd64, arm64 and riscv64 have. */
export interface ElfFile {
  /** The dynamic linker, `/lib64/ld-linux-x86-64.so.2`; absent for a library or a static program. */
  readonly interpreter?: string
  /** Names of shared libraries this file is linked with (DT_NEEDED). */
  readonly needed: readonly string[]
  /** Names of the notes' owners with their types, `Xen/18` for the PVH entry point. */
  readonly notes: readonly string[]
  /** The bytes of a section, or `undefined`. */
  section(name: string): Uint8Array | undefined
}

const segmentType = { dynamic: 2, interpreter: 3, note: 4, load: 1 } as const
const dynamicTag = { null: 0, needed: 1, stringTable: 5 } as const

interface Segment {
  readonly type: number
  readonly offset: number
  readonly address: number
  readonly sizeInFile: number
}

function cString(bytes: Uint8Array, start: number): string {
  const end = bytes.indexOf(0, start)
  return Buffer.from(bytes.subarray(start, end === -1 ? bytes.length : end)).toString('latin1')
}

/** Parses an ELF file; `undefined` for anything else (scripts, data). Throws `RangeError` when the headers point outside of the file. */
export function parseElf(bytes: Uint8Array): ElfFile | undefined {
  const is64BitLittleEndian = [0x7f, 0x45, 0x4c, 0x46, 2, 1].every((byte, index) => bytes[index] === byte)
  if (!is64BitLittleEndian) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const u32 = (at: number): number => view.getUint32(at, true)
  const u64 = (at: number): number => Number(view.getBigUint64(at, true))

  const programHeaders = u64(32)
  const segments: Segment[] = Array.from({ length: view.getUint16(56, true) }, (_, index) => {
    const at = programHeaders + index * view.getUint16(54, true)
    return { type: u32(at), offset: u64(at + 8), address: u64(at + 16), sizeInFile: u64(at + 32) }
  })

  const interpreter = segments.find(({ type }) => type === segmentType.interpreter)
  return {
    ...(interpreter === undefined ? {} : { interpreter: cString(bytes, interpreter.offset) }),
    needed: readNeeded(segments, bytes, u64),
    notes: segments.filter(({ type }) => type === segmentType.note).flatMap((segment) => readNotes(segment, bytes, u32)),
    section: (name) => readSections(bytes).find((section) => section.name === name)?.content,
  }
}

function readNeeded(segments: readonly Segment[], bytes: Uint8Array, u64: (at: number) => number): string[] {
  const dynamic = segments.find(({ type }) => type === segmentType.dynamic)
  if (dynamic === undefined) return []
  const nameOffsets: number[] = []
  let stringTable = 0
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.sizeInFile; at += 16) {
    const tag = u64(at)
    if (tag === dynamicTag.null) break
    if (tag === dynamicTag.needed) nameOffsets.push(u64(at + 8))
    if (tag === dynamicTag.stringTable) stringTable = u64(at + 8)
  }
  // The table is given by its address in memory; the segment that is loaded there says where it is in the file.
  const holder = segments.find(
    ({ type, address, sizeInFile }) => type === segmentType.load && stringTable >= address && stringTable < address + sizeInFile,
  )
  if (holder === undefined) return []
  const start = stringTable - holder.address + holder.offset
  return nameOffsets.map((offset) => cString(bytes, start + offset))
}

function readNotes(segment: Segment, bytes: Uint8Array, u32: (at: number) => number): string[] {
  const align = (length: number): number => Math.ceil(length / 4) * 4
  const notes: string[] = []
  let at = segment.offset
  while (at + 12 <= segment.offset + segment.sizeInFile) {
    const [nameSize, contentSize, type] = [u32(at), u32(at + 4), u32(at + 8)]
    notes.push(`${cString(bytes.subarray(at + 12, at + 12 + nameSize), 0)}/${type}`)
    at += 12 + align(nameSize) + align(contentSize)
  }
  return notes
}

interface Section {
  readonly name: string
  /** Where the name is in the file. */
  readonly nameAt: number
  /** sh_flags & SHF_ALLOC: it takes part in the running program. */
  readonly allocated: boolean
  readonly content: Uint8Array
}

function readSections(bytes: Uint8Array): Section[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const headers = Number(view.getBigUint64(40, true))
  const [entrySize, count, namesIndex] = [view.getUint16(58, true), view.getUint16(60, true), view.getUint16(62, true)]
  const offsetOf = (headerAt: number): number => Number(view.getBigUint64(headerAt + 24, true))
  const namesOffset = offsetOf(headers + namesIndex * entrySize)
  return Array.from({ length: count }, (_, index) => {
    const headerAt = headers + index * entrySize
    const nameAt = namesOffset + view.getUint32(headerAt, true)
    const start = offsetOf(headerAt)
    return {
      name: cString(bytes, nameAt),
      nameAt,
      allocated: (view.getUint32(headerAt + 8, true) & 2) !== 0,
      content: bytes.subarray(start, start + Number(view.getBigUint64(headerAt + 32, true))),
    }
  })
}

/**
 * A copy in which the sections named have another name (`x` for the first letter), so that a loader that looks for them by name does without.
 * The linker lets names share their ends: a section of relocations for a renamed one may be renamed with it, which loaders do not mind.
 */
export function hideSections(bytes: Uint8Array, names: readonly string[]): Uint8Array {
  const copy = new Uint8Array(bytes)
  for (const { name, nameAt, allocated, content } of readSections(copy)) {
    if (!names.includes(name)) continue
    copy[nameAt] = 'x'.charCodeAt(0)
    // What is not loaded need not be compressed, either.
    if (!allocated) content.fill(0)
  }
  return copy
}
