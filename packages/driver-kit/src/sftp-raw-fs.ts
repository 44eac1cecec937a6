import { FsError, type RawFs, type RawStat, type ToolHost, type ToolPath } from '@host-deployer/driver-api'
import type { Attributes } from 'ssh2'
import { saysLost } from './exec-errors.ts'
import { createExecFs } from './exec-fs.ts'
import { fileTypeOfMode } from './local-raw-fs.ts'
import type { SftpClient } from './sftp-client.ts'
import { type SftpOperation, sftpFsError } from './sftp-fs-error.ts'
import { createTurnstile } from './turnstile.ts'

// Every server takes requests of 32 KiB.
const CHUNK_BYTES = 32 * 1024
// More requests on the way gain nothing and cost memory at the other end.
const MAX_CALLS = 128
const MAX_CHUNKS = 16

function rawStat(attributes: Attributes): RawStat {
  return {
    type: fileTypeOfMode(attributes.mode) ?? 'file',
    mode: attributes.mode & 0o7777,
    uid: attributes.uid,
    gid: attributes.gid,
    sizeBytes: attributes.size,
    mtimeMs: attributes.mtime * 1000,
  }
}

/** Reads to the end. `size` is a hint: files of proc claim zero. */
async function readAll(sftp: SftpClient, handle: Buffer, size: number, maxBytes: number, path: string): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let length = 0
  while (length < size) {
    const positions = Array.from(
      { length: Math.min(MAX_CHUNKS, Math.ceil((size - length) / CHUNK_BYTES)) },
      (_, i) => length + i * CHUNK_BYTES,
    )
    const wanted = (position: number): number => Math.min(CHUNK_BYTES, size - position)
    const parts = await Promise.all(positions.map((position) => sftp.read(handle, position, wanted(position))))
    const short = parts.findIndex((part, i) => part.length < wanted(positions[i] ?? 0))
    const good = short === -1 ? parts : parts.slice(0, short + 1)
    chunks.push(...good)
    length += good.reduce((sum, part) => sum + part.length, 0)
    if (short !== -1) break
  }
  // A short read, or a size that was no size: ask until the end is said.
  while (length < size || size === 0) {
    const part = await sftp.read(handle, length, CHUNK_BYTES)
    if (part.length === 0) break
    chunks.push(part)
    length += part.length
    if (length > maxBytes) throw new FsError('too-large', path, undefined, { context: { maxBytes } })
  }
  return new Uint8Array(Buffer.concat(chunks, length))
}

/** Writes from the start with several requests on the way. */
async function writeAll(sftp: SftpClient, handle: Buffer, content: Uint8Array): Promise<void> {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength)
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES * MAX_CHUNKS) {
    const writes: Promise<void>[] = []
    for (let at = start; at < Math.min(bytes.length, start + CHUNK_BYTES * MAX_CHUNKS); at += CHUNK_BYTES) {
      writes.push(sftp.write(handle, bytes.subarray(at, at + CHUNK_BYTES), at))
    }
    await Promise.all(writes)
  }
}

/**
 * `RawFs` over OpenSSH's sftp-server (the extensions posix-rename, lsetstat and statvfs are needed); extended attributes and `syncfs` through
 * `exec`. Calls are pipelined. Modification times are whole seconds.
 */
export function createSftpRawFs(connected: () => Promise<SftpClient>, exec: ToolHost['exec']): RawFs {
  const turnstile = createTurnstile(MAX_CALLS)
  const guarded = async <T>(
    operation: SftpOperation,
    path: string,
    action: (sftp: SftpClient) => Promise<T>,
    to: string = path,
  ): Promise<T> => {
    if (path.includes('\0') || to.includes('\0')) throw new FsError('invalid-path', path)
    const leave = await turnstile.enter()
    try {
      const sftp = await connected().catch((error: unknown) => {
        throw saysLost(error) ? error : new FsError('io', path, undefined, { cause: error })
      })
      try {
        return await action(sftp)
      } catch (error) {
        throw await sftpFsError(sftp, error, operation, path, to)
      }
    } finally {
      leave()
    }
  }

  return {
    ...createExecFs(exec),
    lstat: (path) => guarded('lstat', path, async (sftp) => rawStat(await sftp.lstat(path))),
    readlink: (path) => guarded('readlink', path, (sftp) => sftp.readlink(path)),
    readdir: (path) =>
      guarded('readdir', path, async (sftp) => {
        // opendir follows a symlink in the last position.
        if (fileTypeOfMode((await sftp.lstat(path)).mode) !== 'directory') throw new FsError('not-a-directory', path)
        const entries = await sftp.readdir(path)
        return entries.map(({ filename, attrs }) => ({ name: filename, stat: rawStat(attrs) }))
      }),
    readFile: (path, { maxBytes }) =>
      guarded('open', path, async (sftp) => {
        // Opening a FIFO would block the server for ever.
        const { type, sizeBytes } = rawStat(await sftp.lstat(path))
        if (type !== 'file') throw new FsError('not-a-file', path)
        if (sizeBytes > maxBytes) throw new FsError('too-large', path, undefined, { context: { maxBytes } })
        const handle = await sftp.open(path, 'r')
        try {
          return await readAll(sftp, handle, sizeBytes, maxBytes, path)
        } finally {
          await sftp.close(handle)
        }
      }),
    createFile: (path, content, { mode, uid, gid }) =>
      guarded('create', path, async (sftp) => {
        const handle = await sftp.open(path, 'wx', { mode: 0o600 })
        try {
          try {
            // One after the other at the server, not here. The owner before the mode: chown(2) clears setuid and setgid.
            await Promise.all([writeAll(sftp, handle, content), sftp.fsetstat(handle, { uid, gid }), sftp.fsetstat(handle, { mode })])
          } finally {
            await sftp.close(handle)
          }
        } catch (error) {
          const reported = await sftpFsError(sftp, error, 'set', path)
          await sftp.unlink(path)
          throw reported
        }
      }),
    rename: (from, to) => guarded('rename', from, (sftp) => sftp.rename(from, to), to),
    mkdir: (path, { mode, uid, gid }) =>
      guarded('create', path, async (sftp) => {
        await sftp.mkdir(path, { mode: 0o700 })
        await undoing(sftp, path, 'rmdir', () => Promise.all([sftp.lsetstat(path, { uid, gid }), sftp.setstat(path, { mode })]))
      }),
    symlink: (target, path, { uid, gid }) =>
      guarded('create', path, async (sftp) => {
        await sftp.symlink(target, path)
        await undoing(sftp, path, 'unlink', () => sftp.lsetstat(path, { uid, gid }))
      }),
    unlink: (path) => guarded('unlink', path, (sftp) => sftp.unlink(path)),
    rmdir: (path) => guarded('rmdir', path, (sftp) => sftp.rmdir(path)),
    chmod: (path, mode) =>
      guarded('set', path, async (sftp) => {
        if (fileTypeOfMode((await sftp.lstat(path)).mode) === 'symlink') throw new FsError('not-supported', path)
        await sftp.setstat(path, { mode })
      }),
    chown: (path, uid, gid) => guarded('set', path, (sftp) => sftp.lsetstat(path, { uid, gid })),
  }
}

/** Runs the second half of a creation; when it fails, the first half is taken back and the reason reported. */
async function undoing(sftp: SftpClient, path: ToolPath, undo: 'rmdir' | 'unlink', action: () => Promise<unknown>): Promise<void> {
  try {
    await action()
  } catch (error) {
    const reported = await sftpFsError(sftp, error, 'set', path)
    await sftp[undo](path)
    throw reported
  }
}
