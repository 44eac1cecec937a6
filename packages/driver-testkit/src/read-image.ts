import { type FileHandle, open } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { hostPath, type ImageFile, type ImageFormat } from '@host-deployer/driver-api'

const OFFSET_MASK = 0x00ff_ffff_ffff_fe00n
const COMPRESSED = 1n << 62n
const READS_AS_ZERO = 1n

/** An image as a guest sees it, read only. Close it. */
export interface OpenImage {
  readonly sizeBytes: number
  read(offset: number, length: number): Promise<Uint8Array>
  /** The clusters the top image holds itself, by number, and how long one is. `undefined` for raw. */
  ownClusters(): Promise<{ readonly clusterBytes: number; readonly indexes: readonly number[] } | undefined>
  close(): Promise<void>
}

/** Bytes of a file; beyond its end they are zeros. */
async function readAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await handle.read(buffer, done, length - done, offset + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return buffer
}

async function openRaw(handle: FileHandle): Promise<OpenImage> {
  const { size } = await handle.stat()
  return {
    sizeBytes: size,
    read: (offset, length) => readAt(handle, offset, length),
    ownClusters: async () => undefined,
    close: () => handle.close(),
  }
}

function backingFormat(header: Buffer): ImageFormat {
  for (let at = header.readUInt32BE(100); at + 8 <= header.length; ) {
    const [type, length] = [header.readUInt32BE(at), header.readUInt32BE(at + 4)]
    if (type === 0) break
    if (type === 0xe2792aca) return header.toString('latin1', at + 8, at + 8 + length) === 'qcow2' ? 'qcow2' : 'raw'
    at += 8 + Math.ceil(length / 8) * 8
  }
  throw new Error('The image does not say what format its backing file has')
}

async function openBacking(header: Buffer, path: string): Promise<OpenImage | undefined> {
  const [at, length] = [Number(header.readBigUInt64BE(8)), header.readUInt32BE(16)]
  if (at === 0) return undefined
  const name = header.toString('utf8', at, at + length)
  return openImage({ path: hostPath(resolve(dirname(path), name)), format: backingFormat(header) })
}

async function openQcow2(handle: FileHandle, path: string): Promise<OpenImage> {
  const header = await readAt(handle, 0, 4096)
  if (header.toString('latin1', 0, 4) !== 'QFI\xfb') throw new Error(`${path} is not a qcow2 image`)
  const clusterBytes = 2 ** header.readUInt32BE(20)
  const entries = clusterBytes / 8
  const l1 = await readAt(handle, Number(header.readBigUInt64BE(40)), header.readUInt32BE(36) * 8)
  const backing = await openBacking(header, path)
  const l2Tables = new Map<number, Buffer>()

  async function l2TableOf(index: number): Promise<Buffer | undefined> {
    const slot = Math.floor(index / entries)
    const at = slot * 8 < l1.length ? l1.readBigUInt64BE(slot * 8) & OFFSET_MASK : 0n
    if (at === 0n) return undefined
    const table = l2Tables.get(slot) ?? (await readAt(handle, Number(at), clusterBytes))
    l2Tables.set(slot, table)
    return table
  }

  async function readCluster(index: number): Promise<Uint8Array> {
    const entry = (await l2TableOf(index))?.readBigUInt64BE((index % entries) * 8) ?? 0n
    if ((entry & COMPRESSED) !== 0n) throw new Error(`${path} has compressed clusters, which this reader does not know`)
    if ((entry & READS_AS_ZERO) !== 0n) return new Uint8Array(clusterBytes)
    const at = Number(entry & OFFSET_MASK)
    if (at !== 0) return readAt(handle, at, clusterBytes)
    return backing === undefined ? new Uint8Array(clusterBytes) : backing.read(index * clusterBytes, clusterBytes)
  }

  return {
    sizeBytes: Number(header.readBigUInt64BE(24)),
    async read(offset, length) {
      const result = Buffer.alloc(length)
      for (let index = Math.floor(offset / clusterBytes); index * clusterBytes < offset + length; index += 1) {
        const from = Math.max(offset, index * clusterBytes)
        const to = Math.min(offset + length, (index + 1) * clusterBytes)
        result.set((await readCluster(index)).subarray(from - index * clusterBytes, to - index * clusterBytes), from - offset)
      }
      return result
    },
    async ownClusters() {
      const indexes: number[] = []
      for (let slot = 0; slot * 8 < l1.length; slot += 1) {
        const table = await l2TableOf(slot * entries)
        for (let i = 0; table !== undefined && i < entries; i += 1)
          if (table.readBigUInt64BE(i * 8) !== 0n) indexes.push(slot * entries + i)
      }
      return { clusterBytes, indexes }
    },
    async close() {
      await backing?.close()
      await handle.close()
    },
  }
}

/** Opens an image for reading, with the backing files its header names. Takes no lock; for images nobody writes at the moment. */
export async function openImage({ path, format }: ImageFile): Promise<OpenImage> {
  const handle = await open(path, 'r')
  try {
    return await (format === 'raw' ? openRaw(handle) : openQcow2(handle, path))
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** Bytes of an image as a guest sees them. */
export async function readVirtualBytes(image: ImageFile, offset: number, length: number): Promise<Uint8Array> {
  const opened = await openImage(image)
  try {
    return await opened.read(offset, length)
  } finally {
    await opened.close()
  }
}
