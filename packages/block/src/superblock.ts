import type { ToolPath } from '@host-deployer/driver-api'

/** Reads the start of a device: every superblock below lies in the first 68 KiB. */
export const superblocksArgv = (device: ToolPath): [string, ...string[]] => ['dd', `if=${device}`, 'bs=4096', 'count=17']

/**
 * How many bytes of its device a file system covers, from the start of the device; undefined when it is not of that type. blkid tells only since
 * util-linux 2.39. Layouts: ext4's kernel documentation (super.rst), XFS Algorithms & Data Structures ("Superblocks"), btrfs on-disk format, f2fs of the kernel's
 * include/linux/f2fs_fs.h.
 */
export function readCoveredBytes(type: string, start: Uint8Array): number | undefined {
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength)
  const read = { ext2: ext, ext3: ext, ext4: ext, xfs, btrfs, f2fs }[type]
  if (read === undefined || start.byteLength < 17 * 4096) return undefined
  const bytes = read(view)
  return bytes !== undefined && bytes > 0n && bytes <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(bytes) : undefined
}

function ext(view: DataView): bigint | undefined {
  const at = 1024
  if (view.getUint16(at + 0x38, true) !== 0xef53) return undefined
  const is64Bit = (view.getUint32(at + 0x60, true) & 0x80) !== 0
  const high = is64Bit ? BigInt(view.getUint32(at + 0x150, true)) : 0n
  const blocks = (high << 32n) | BigInt(view.getUint32(at + 0x04, true))
  const logBlockSize = view.getUint32(at + 0x18, true)
  return logBlockSize > 6 ? undefined : blocks * BigInt(1024 << logBlockSize)
}

function xfs(view: DataView): bigint | undefined {
  if (view.getUint32(0) !== 0x58465342) return undefined
  return view.getBigUint64(8) * BigInt(view.getUint32(4))
}

function btrfs(view: DataView): bigint | undefined {
  const at = 65_536
  // "_BHRfS_M"
  return view.getBigUint64(at + 0x40) === 0x5f42485266535f4dn ? view.getBigUint64(at + 0x70, true) : undefined
}

function f2fs(view: DataView): bigint | undefined {
  const at = 1024
  if (view.getUint32(at, true) !== 0xf2f52010) return undefined
  const logBlockSize = view.getUint32(at + 16, true)
  return logBlockSize > 16 ? undefined : view.getBigUint64(at + 36, true) << BigInt(logBlockSize)
}

/** What the header of a swap area says (the kernel's include/linux/swap.h): the page size of the machine that uses it, and how far it reaches. */
export function readSwapHeader(start: Uint8Array): { readonly pageSizeBytes: number; readonly coveredBytes: number } | undefined {
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength)
  for (const pageSizeBytes of [4096, 8192, 16_384, 32_768, 65_536]) {
    if (start.byteLength < pageSizeBytes) return undefined
    const signature = Buffer.from(start.subarray(pageSizeBytes - 10, pageSizeBytes)).toString('latin1')
    if (signature === 'SWAPSPACE2') return { pageSizeBytes, coveredBytes: (view.getUint32(1028, true) + 1) * pageSizeBytes }
  }
  return undefined
}
