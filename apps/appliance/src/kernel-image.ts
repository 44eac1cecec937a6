import { zstdDecompressSync } from 'node:zlib'
import { parseElf } from './elf.ts'
import { runHostTool } from './host-tool.ts'

/** How a bzImage may be compressed: first bytes, and what undoes it. Debian 13 uses xz or zstd, depending on the architecture. */
const compressions: readonly { readonly magic: readonly number[]; readonly unpack: (bytes: Uint8Array) => Promise<Uint8Array> }[] = [
  { magic: [0x28, 0xb5, 0x2f, 0xfd], unpack: async (bytes) => zstdDecompressSync(bytes) },
  {
    magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a],
    unpack: (bytes) => runHostTool(['xz', '--decompress', '--stdout', '--single-stream'], { input: bytes }),
  },
]

/** The note that tells QEMU where to enter an ELF kernel: XEN_ELFNOTE_PHYS32_ENTRY, https://xenbits.xen.org/docs/unstable/misc/pvh.html */
const pvhEntryNote = 'Xen/18'

/**
 * Takes the uncompressed kernel out of a bzImage, so that the guest need not decompress it (an emulated CPU takes seconds for that).
 * QEMU enters it through its PVH note. The offsets are those of https://docs.kernel.org/arch/x86/boot.html.
 * Throws `Error` when the file is no bzImage, or the kernel in it cannot be started that way.
 */
export async function extractKernel(bzImage: Uint8Array): Promise<Uint8Array> {
  const view = new DataView(bzImage.buffer, bzImage.byteOffset, bzImage.byteLength)
  if (Buffer.from(bzImage.subarray(0x202, 0x206)).toString('latin1') !== 'HdrS') throw new Error('not a bzImage')
  const setupSectors = view.getUint8(0x1f1) || 4
  const start = (setupSectors + 1) * 512 + view.getUint32(0x248, true)
  const payload = bzImage.subarray(start, start + view.getUint32(0x24c, true))
  const compression = compressions.find(({ magic }) => magic.every((byte, index) => payload[index] === byte))
  if (compression === undefined) throw new Error('the kernel is compressed in a way this builder does not know')
  // The last four bytes are the length, added by the kernel's build.
  const kernel = await compression.unpack(payload.subarray(0, -4))
  if (!parseElf(kernel)?.notes.includes(pvhEntryNote)) throw new Error('the kernel has no PVH entry point')
  return kernel
}
