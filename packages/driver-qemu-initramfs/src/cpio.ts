/** What every entry says about itself. Owner is root, times are zero: the archive depends on its content only. */
interface CpioEntryBase {
  /** Relative to the archive's root, without leading `/` or `./`: `root/.ssh/authorized_keys`. Parents come before their children. */
  readonly path: string
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number
}

export type CpioEntry =
  | (CpioEntryBase & { readonly type: 'directory' })
  | (CpioEntryBase & { readonly type: 'file'; readonly content: Uint8Array })
  | (CpioEntryBase & { readonly type: 'symlink'; readonly target: string })
  | (CpioEntryBase & { readonly type: 'character-device'; readonly major: number; readonly minor: number })

const typeBits = { directory: 0o040000, file: 0o100000, symlink: 0o120000, 'character-device': 0o020000 } as const

const encoder = new TextEncoder()

function header(fields: readonly number[]): Uint8Array {
  return encoder.encode(`070701${fields.map((field) => field.toString(16).toUpperCase().padStart(8, '0')).join('')}`)
}

const paddingTo4 = (length: number): number => (4 - (length % 4)) % 4

function contentOf(entry: CpioEntry): Uint8Array {
  if (entry.type === 'file') return entry.content
  if (entry.type === 'symlink') return encoder.encode(entry.target)
  return new Uint8Array(0)
}

function checkPath(path: string): void {
  const bad = path === '' || path === 'TRAILER!!!' || path.includes('\0') || path.split('/').some((part) => ['', '.', '..'].includes(part))
  if (bad) throw new TypeError(`Not a path for a cpio entry: ${JSON.stringify(path)}`)
}

/**
 * A cpio archive in the "newc" format, which the kernel unpacks as (part of) an initramfs; see
 * https://docs.kernel.org/driver-api/early-userspace/buffer-format.html. Pure: the same entries in the same order give the same bytes.
 *
 * The result is a multiple of 512 bytes long. Archives may be concatenated: append one to a compressed initramfs whose length is a multiple
 * of four and the kernel unpacks both, the second over the first. Throws `TypeError` for a path that is empty, absolute, has `.`, `..` or
 * NUL in it, or appears twice.
 */
export function writeCpio(entries: readonly CpioEntry[]): Uint8Array {
  const chunks: Uint8Array[] = []
  const seen = new Set<string>()
  let length = 0
  const push = (chunk: Uint8Array): void => {
    chunks.push(chunk)
    length += chunk.length
  }
  const pushPadded = (chunk: Uint8Array): void => {
    push(chunk)
    push(new Uint8Array(paddingTo4(length)))
  }
  const pushEntry = (
    name: string,
    inode: number,
    mode: number,
    links: number,
    content: Uint8Array,
    device: readonly [number, number],
  ): void => {
    const encodedName = encoder.encode(`${name}\0`)
    // inode, mode, uid, gid, links, mtime, size, device, its minor, special device, its minor, name size, checksum (unused in newc)
    push(header([inode, mode, 0, 0, links, 0, content.length, 0, 0, device[0], device[1], encodedName.length, 0]))
    pushPadded(encodedName)
    pushPadded(content)
  }

  for (const [index, entry] of entries.entries()) {
    checkPath(entry.path)
    if (seen.has(entry.path)) throw new TypeError(`Twice in one cpio archive: ${JSON.stringify(entry.path)}`)
    seen.add(entry.path)
    const device = entry.type === 'character-device' ? ([entry.major, entry.minor] as const) : ([0, 0] as const)
    const links = entry.type === 'directory' ? 2 : 1
    pushEntry(entry.path, index + 1, typeBits[entry.type] | (entry.mode & 0o7777), links, contentOf(entry), device)
  }
  pushEntry('TRAILER!!!', 0, 0, 1, new Uint8Array(0), [0, 0])
  push(new Uint8Array((512 - (length % 512)) % 512))

  const archive = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    archive.set(chunk, offset)
    offset += chunk.length
  }
  return archive
}
