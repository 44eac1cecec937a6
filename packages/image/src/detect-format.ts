/** What the first bytes of a file say it is. Only `raw` and `qcow2` can be opened; the rest is named so that an error can say what was found. */
export type DetectedFormat = 'raw' | 'qcow2' | 'qcow' | 'qed' | 'vmdk' | 'vdi' | 'vhdx' | 'vhd' | 'luks' | 'parallels' | 'cloop'

/** Bytes of a file's start that {@link detectFormat} wants. Fewer are fine when the file is shorter. */
export const FORMAT_HEAD_BYTES = 512

const magics: readonly { readonly format: DetectedFormat; readonly offset: number; readonly magic: readonly number[] | string }[] = [
  { format: 'qed', offset: 0, magic: 'QED\0' },
  { format: 'vmdk', offset: 0, magic: 'KDMV' },
  { format: 'vmdk', offset: 0, magic: 'COWD' },
  { format: 'vmdk', offset: 0, magic: '# Disk DescriptorFile' },
  { format: 'vdi', offset: 0x40, magic: [0x7f, 0x10, 0xda, 0xbe] },
  { format: 'vhdx', offset: 0, magic: 'vhdxfile' },
  { format: 'vhd', offset: 0, magic: 'conectix' },
  { format: 'luks', offset: 0, magic: [0x4c, 0x55, 0x4b, 0x53, 0xba, 0xbe] },
  { format: 'parallels', offset: 0, magic: 'WithoutFreeSpace' },
  { format: 'parallels', offset: 0, magic: 'WithouFreSpacExt' },
  { format: 'cloop', offset: 0, magic: '#!/bin/sh\n#V2.0 Format' },
]

function startsWith(head: Uint8Array, offset: number, magic: readonly number[] | string): boolean {
  const bytes = typeof magic === 'string' ? new TextEncoder().encode(magic) : magic
  if (head.length < offset + bytes.length) return false
  for (let index = 0; index < bytes.length; index++) if (head[offset + index] !== bytes[index]) return false
  return true
}

/**
 * Format by magic number, from the first {@link FORMAT_HEAD_BYTES} bytes. `raw` when nothing matches: any bytes can be a raw disk.
 * Runs anywhere, a browser included.
 */
export function detectFormat(head: Uint8Array): DetectedFormat {
  if (startsWith(head, 0, [0x51, 0x46, 0x49, 0xfb])) {
    const version = new DataView(head.buffer, head.byteOffset, head.byteLength).getUint32(4)
    return version === 1 ? 'qcow' : 'qcow2'
  }
  return magics.find(({ offset, magic }) => startsWith(head, offset, magic))?.format ?? 'raw'
}
