import { constants, type Stats } from 'node:fs'
import * as nodeFs from 'node:fs/promises'
import { type FileType, FsError, type RawFs, type RawStat, type ToolHost, type ToolPath } from '@host-deployer/driver-api'
import { sessionEnded } from './exec-errors.ts'
import { createExecFs } from './exec-fs.ts'
import { fsErrorFromErrno } from './fs-error-from-errno.ts'
import type { SessionNamespace } from './session-namespace.ts'

const fileTypes: Readonly<Record<number, FileType>> = {
  [constants.S_IFREG]: 'file',
  [constants.S_IFDIR]: 'directory',
  [constants.S_IFLNK]: 'symlink',
  [constants.S_IFIFO]: 'fifo',
  [constants.S_IFSOCK]: 'socket',
  [constants.S_IFCHR]: 'character-device',
  [constants.S_IFBLK]: 'block-device',
}

/** The file type in `st_mode`, see inode(7); `undefined` for bits no file has. */
export function fileTypeOfMode(mode: number): FileType | undefined {
  return fileTypes[mode & constants.S_IFMT]
}

function rawStat(stats: Stats): RawStat {
  return {
    type: fileTypeOfMode(stats.mode) ?? 'file',
    mode: stats.mode & 0o7777,
    uid: stats.uid,
    gid: stats.gid,
    sizeBytes: stats.size,
    mtimeMs: stats.mtimeMs,
  }
}

// O_NONBLOCK: should a FIFO ever slip in between lstat and open, the open returns instead of waiting for a writer.
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const CREATE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

async function readRegularFile(path: ToolPath, place: string, maxBytes: number): Promise<Uint8Array> {
  if (!(await nodeFs.lstat(place)).isFile()) throw new FsError('not-a-file', path)
  const handle = await nodeFs.open(place, READ_FLAGS)
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) throw new FsError('not-a-file', path)
    const chunks: Buffer[] = []
    let length = 0
    // Files of proc and sysfs claim a length of zero, so the end is where a read returns nothing.
    for (let size = Math.min(stats.size, maxBytes) + 1; ; size = 65_536) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(size), 0, size, null)
      if (bytesRead === 0) return Buffer.concat(chunks, length)
      length += bytesRead
      if (length > maxBytes) throw new FsError('too-large', path, undefined, { context: { maxBytes } })
      chunks.push(buffer.subarray(0, bytesRead))
    }
  } finally {
    await handle.close()
  }
}

/**
 * `RawFs` on this machine's own files, or on those that a session's namespace sees: through the root directory of a process in it, so that this process
 * need not be in there itself. Extended attributes and `syncfs` go through `exec`.
 */
export function createLocalRawFs(exec: ToolHost['exec'], namespace?: SessionNamespace): RawFs {
  const at = (path: ToolPath): string => `${namespace?.root ?? ''}${path}`
  const guarded = async <T>(path: ToolPath, action: (place: string) => Promise<T>): Promise<T> => {
    try {
      return await action(at(path))
    } catch (error) {
      // Where nothing is any more, nothing was found: that is no answer.
      assertOpen(error)
      throw fsErrorFromErrno(error, path)
    }
  }
  const assertOpen = (error?: unknown): void => {
    if (namespace?.isOpen() === false) throw sessionEnded(error)
  }
  return {
    ...createExecFs(exec),
    lstat: (path) => guarded(path, async (place) => rawStat(await nodeFs.lstat(place))),
    readlink: (path) =>
      guarded(path, async (place) => {
        try {
          return await nodeFs.readlink(place)
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'EINVAL') throw new FsError('not-a-symlink', path, undefined, { cause: error })
          throw error
        }
      }),
    readdir: (path) =>
      guarded(path, async (place) => {
        if (!(await nodeFs.lstat(place)).isDirectory()) throw new FsError('not-a-directory', path)
        const names = await nodeFs.readdir(place)
        const entries = await Promise.all(names.map(async (name) => ({ name, stat: rawStat(await nodeFs.lstat(`${place}/${name}`)) })))
        // An empty mount point looks like an empty directory.
        assertOpen()
        return entries
      }),
    readFile: (path, { maxBytes }) => guarded(path, (place) => readRegularFile(path, place, maxBytes)),
    createFile: (path, content, { mode, uid, gid }) =>
      guarded(path, async (place) => {
        const handle = await nodeFs.open(place, CREATE_FLAGS, 0o600)
        try {
          try {
            await handle.writeFile(content)
            // The owner first: chown(2) clears setuid and setgid.
            await handle.chown(uid, gid)
            await handle.chmod(mode)
          } finally {
            await handle.close()
          }
        } catch (error) {
          await nodeFs.unlink(place)
          throw error
        }
      }),
    rename: (from, to) =>
      guarded(from, async (place) => {
        try {
          await nodeFs.rename(place, at(to))
        } catch (error) {
          // rename(2) may say EEXIST where it means ENOTEMPTY.
          if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw new FsError('not-empty', to, undefined, { cause: error })
          throw error
        }
      }),
    mkdir: (path, { mode, uid, gid }) =>
      guarded(path, async (place) => {
        await nodeFs.mkdir(place, 0o700)
        try {
          await nodeFs.lchown(place, uid, gid)
          await nodeFs.chmod(place, mode)
        } catch (error) {
          await nodeFs.rmdir(place)
          throw error
        }
      }),
    symlink: (target, path, { uid, gid }) =>
      guarded(path, async (place) => {
        await nodeFs.symlink(target, place)
        try {
          await nodeFs.lchown(place, uid, gid)
        } catch (error) {
          await nodeFs.unlink(place)
          throw error
        }
      }),
    unlink: (path) =>
      guarded(path, async (place) => {
        if ((await nodeFs.lstat(place)).isDirectory()) throw new FsError('is-a-directory', path)
        await nodeFs.unlink(place)
      }),
    rmdir: (path) => guarded(path, (place) => nodeFs.rmdir(place)),
    chmod: (path, mode) =>
      guarded(path, async (place) => {
        if ((await nodeFs.lstat(place)).isSymbolicLink()) throw new FsError('not-supported', path)
        await nodeFs.chmod(place, mode)
      }),
    chown: (path, uid, gid) => guarded(path, (place) => nodeFs.lchown(place, uid, gid)),
  }
}
