import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { execa } from 'execa'

interface Extent {
  readonly start: number
  readonly length: number
  readonly data: boolean
}

/** Hex SHA-256 of a file's bytes; the holes of a sparse file are told from its extents instead of being read. */
export async function digestOf(path: string): Promise<string> {
  const { stdout } = await execa('qemu-img', ['map', '--output=json', '-U', '-f', 'raw', path])
  const hash = createHash('sha256')
  const file = await open(path)
  try {
    const buffer = Buffer.alloc(8 * 2 ** 20)
    for (const { start, length } of (JSON.parse(stdout) as Extent[]).filter(({ data }) => data)) {
      for (let offset = start; offset < start + length; ) {
        const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, start + length - offset), offset)
        if (bytesRead === 0) break
        // A block of zeros is a hole to a reader: which of the two it is must not count.
        const bytes = buffer.subarray(0, bytesRead)
        if (!bytes.every((byte) => byte === 0)) hash.update(`${offset}\0`).update(bytes)
        offset += bytesRead
      }
    }
    return hash.update(String((await file.stat()).size)).digest('hex')
  } finally {
    await file.close()
  }
}
