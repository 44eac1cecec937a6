import { createHash } from 'node:crypto'
import { open, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type HostPath, hostPath, type ImageFile } from '@host-deployer/driver-api'
import { createLocalToolHost } from '@host-deployer/driver-kit'
import { buildQcow2, CLUSTER_BYTES } from './build-qcow2.ts'

const READ_BYTES = 2 ** 20

/** SHA-256 of a file's bytes. */
export async function digestOf(path: HostPath): Promise<string> {
  const hash = createHash('sha256')
  const handle = await open(path)
  try {
    // One buffer for all of it: a stream takes a new one each time, and images are large.
    const buffer = Buffer.allocUnsafe(READ_BYTES)
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, READ_BYTES)
      if (bytesRead === 0) return hash.digest('hex')
      hash.update(buffer.subarray(0, bytesRead))
    }
  } finally {
    await handle.close()
  }
}

/** What a disk starts with: bytes by their offset. Each piece fits into one block of 64 KiB. */
export type DiskContent = ReadonlyMap<number, Uint8Array>

/** A sparse raw image. */
export async function createRawImage(
  directory: string,
  name: string,
  sizeBytes: number,
  content: DiskContent = new Map(),
): Promise<ImageFile> {
  const path = hostPath(join(directory, `${name}.raw`))
  await writeFile(path, '')
  await truncate(path, sizeBytes)
  const handle = await open(path, 'r+')
  try {
    for (const [offset, bytes] of content) await handle.write(bytes, 0, bytes.length, offset)
  } finally {
    await handle.close()
  }
  return { path, format: 'raw' }
}

/** A qcow2 image; on top of `backing` when that is given. */
export async function createQcow2Image(
  directory: string,
  name: string,
  sizeBytes: number,
  backing?: ImageFile,
  content: DiskContent = new Map(),
): Promise<ImageFile> {
  const path = hostPath(join(directory, `${name}.qcow2`))
  const clusters = new Map<number, Uint8Array>()
  for (const [offset, bytes] of content) {
    const index = Math.floor(offset / CLUSTER_BYTES)
    const cluster = clusters.get(index) ?? new Uint8Array(CLUSTER_BYTES)
    cluster.set(bytes, offset - index * CLUSTER_BYTES)
    clusters.set(index, cluster)
  }
  await writeFile(path, buildQcow2({ sizeBytes, clusters, ...(backing !== undefined && { backing }) }))
  return { path, format: 'qcow2' }
}

/** Whether QEMU's own tool can open the image for writing: nobody holds a lock of QEMU's on it. Needs `qemu-io` on this machine. */
export async function isFree(image: ImageFile): Promise<boolean> {
  const { exitCode } = await createLocalToolHost().exec(['qemu-io', '-f', image.format, '-c', 'quit', image.path], { timeoutMs: 60_000 })
  return exitCode === 0
}
