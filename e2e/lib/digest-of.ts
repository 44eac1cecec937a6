import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { execa } from 'execa'

const blockBytes = 256 * 1024
const zeros = Buffer.alloc(blockBytes)

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
    const buffer = Buffer.alloc(blockBytes)
    let next = 0
    for (const { start, length } of (JSON.parse(stdout) as Extent[]).filter(({ data }) => data)) {
      // Whole aligned blocks: where the host draws the line between data and hole may change while it writes back, the bytes do not.
      for (next = Math.max(next, start - (start % blockBytes)); next < start + length; next += blockBytes) {
        const { bytesRead } = await file.read(buffer, 0, blockBytes, next)
        const bytes = buffer.subarray(0, bytesRead)
        if (!zeros.subarray(0, bytesRead).equals(bytes)) hash.update(`${next}\0`).update(bytes)
      }
    }
    return hash.update(String((await file.stat()).size)).digest('hex')
  } finally {
    await file.close()
  }
}
