import { constants, type Stats } from 'node:fs'
import * as nodeFs from 'node:fs/promises'
import { type FileType, FsError, type RawFs, type RawStat, type ToolHost, type ToolPath } from '@host-deployer/driver-api'
import { createExecFs } from './exec-fs.ts'
import { fsErrorFromErrno } from './fs-error-from-errno.ts'

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

async function guarded<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    throw fsErrorFromErrno(error, path)
  }
}

// O_NONBLOCK: should a FIFO ever slip in between lstat and open, the open returns instead of waiting for a writer.
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const CREATE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

async function readRegularFile(path: ToolPath, maxBytes: number): Promise<Uint8Array> {
  if (!(await nodeFs.lstat(path)).isFile()) throw new FsError('not-a-file', path)
  const handle = await nodeFs.open(path, READ_FLAGS)
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

/** `RawFs` on this machine's own files. Extended attributes and `syncfs` go through `exec`. */
export function createLocalRawFs(exec: ToolHost['exec']): RawFs {
  return {
    ...createExecFs(exec),
    lstat: (path) => guarded(path, async () => rawStat(await nodeFs.lstat(path))),
    readlink: (path) =>
      guarded(path, async () => {
        try {
          return await nodeFs.readlink(path)
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'EINVAL') throw new FsError('not-a-symlink', path, undefined, { cause: error })
          throw error
        }
      }),
    readdir: (path) =>
      guarded(path, async () => {
        if (!(await nodeFs.lstat(path)).isDirectory()) throw new FsError('not-a-directory', path)
        const names = await nodeFs.readdir(path)
        return Promise.all(names.map(async (name) => ({ name, stat: rawStat(await nodeFs.lstat(`${path}/${name}`)) })))
      }),
    readFile: (path, { maxBytes }) => guarded(path, () => readRegularFile(path, maxBytes)),
    createFile: (path, content, { mode, uid, gid }) =>
      guarded(path, async () => {
        const handle = await nodeFs.open(path, CREATE_FLAGS, 0o600)
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
          await nodeFs.unlink(path)
          throw error
        }
      }),
    rename: (from, to) =>
      guarded(from, async () => {
        try {
          await nodeFs.rename(from, to)
        } catch (error) {
          // rename(2) may say EEXIST where it means ENOTEMPTY.
          if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw new FsError('not-empty', to, undefined, { cause: error })
          throw error
        }
      }),
    mkdir: (path, { mode, uid, gid }) =>
      guarded(path, async () => {
        await nodeFs.mkdir(path, 0o700)
        try {
          await nodeFs.lchown(path, uid, gid)
          await nodeFs.chmod(path, mode)
        } catch (error) {
          await nodeFs.rmdir(path)
          throw error
        }
      }),
    symlink: (target, path, { uid, gid }) =>
      guarded(path, async () => {
        await nodeFs.symlink(target, path)
        try {
          await nodeFs.lchown(path, uid, gid)
        } catch (error) {
          await nodeFs.unlink(path)
          throw error
        }
      }),
    unlink: (path) =>
      guarded(path, async () => {
        if ((await nodeFs.lstat(path)).isDirectory()) throw new FsError('is-a-directory', path)
        await nodeFs.unlink(path)
      }),
    rmdir: (path) => guarded(path, () => nodeFs.rmdir(path)),
    chmod: (path, mode) =>
      guarded(path, async () => {
        if ((await nodeFs.lstat(path)).isSymbolicLink()) throw new FsError('not-supported', path)
        await nodeFs.chmod(path, mode)
      }),
    chown: (path, uid, gid) => guarded(path, () => nodeFs.lchown(path, uid, gid)),
  }
}
