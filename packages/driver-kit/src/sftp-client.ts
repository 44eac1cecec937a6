import type { Attributes, FileEntry, InputAttributes, SFTPWrapper, Stats } from 'ssh2'
import type { SshConnection } from './ssh-connection.ts'

/** The file system state behind a path, from the `statvfs@openssh.com` extension. */
export interface SftpFileSystemState {
  readonly full: boolean
  readonly readOnly: boolean
}

type Done<T> = (error: Error | undefined | null, value: T) => void

/** Promises over ssh2's sftp, of which many may be pending at once. Rejects with ssh2's error (`code` is the sftp status) or the loss of the connection. */
export interface SftpClient {
  lstat(path: string): Promise<Stats>
  readlink(path: string): Promise<string>
  readdir(path: string): Promise<FileEntry[]>
  open(path: string, flags: string, attributes?: InputAttributes): Promise<Buffer>
  close(handle: Buffer): Promise<void>
  read(handle: Buffer, position: number, length: number): Promise<Buffer>
  write(handle: Buffer, data: Buffer, position: number): Promise<void>
  fsetstat(handle: Buffer, attributes: InputAttributes): Promise<void>
  setstat(path: string, attributes: InputAttributes): Promise<void>
  /** Changes a symlink itself (`lsetstat@openssh.com`). */
  lsetstat(path: string, attributes: InputAttributes): Promise<void>
  mkdir(path: string, attributes: InputAttributes): Promise<void>
  /** `rename(2)` (`posix-rename@openssh.com`); sftp's own refuses to replace. */
  rename(from: string, to: string): Promise<void>
  symlink(target: string, path: string): Promise<void>
  unlink(path: string): Promise<void>
  rmdir(path: string): Promise<void>
  state(path: string): Promise<SftpFileSystemState>
}

export type { Attributes }

const STATUS_EOF = 1
// statvfs@openssh.com, SSH2_FXE_STATVFS_ST_RDONLY
const ST_RDONLY = 1

interface StatVfs {
  readonly f_bavail: number
  readonly f_files: number
  readonly f_favail: number
  readonly f_flag: number
}

/** Wraps an opened sftp channel. The calls fail with the connection's loss when the channel dies. */
export function createSftpClient(connection: SshConnection, sftp: SFTPWrapper): SftpClient {
  const call = <T>(start: (done: Done<T>) => void): Promise<T> =>
    connection.run((resolve, reject) => start((error, value) => (error ? reject(error) : resolve(value))))
  const act = (start: (done: (error?: Error | null) => void) => void): Promise<void> =>
    connection.run((resolve, reject) => start((error) => (error ? reject(error) : resolve())))
  return {
    lstat: (path) => call((done) => sftp.lstat(path, done)),
    readlink: (path) => call((done) => sftp.readlink(path, done)),
    readdir: (path) => call((done) => sftp.readdir(path, done)),
    open: (path, flags, attributes = {}) => call((done) => sftp.open(path, flags as 'r', attributes, done)),
    close: (handle) => act((done) => sftp.close(handle, done)),
    read: (handle, position, length) =>
      connection.run((resolve, reject) => {
        sftp.read(handle, Buffer.allocUnsafe(length), 0, length, position, (error, bytesRead, buffer) => {
          if (error === undefined || error === null) resolve(buffer.subarray(0, bytesRead))
          else if ((error as { code?: unknown }).code === STATUS_EOF) resolve(Buffer.alloc(0))
          else reject(error)
        })
      }),
    write: (handle, data, position) => act((done) => sftp.write(handle, data, 0, data.length, position, done)),
    fsetstat: (handle, attributes) => act((done) => sftp.fsetstat(handle, attributes, done)),
    setstat: (path, attributes) => act((done) => sftp.setstat(path, attributes, done)),
    lsetstat: (path, attributes) => act((done) => sftp.ext_openssh_lsetstat(path, attributes, done)),
    mkdir: (path, attributes) => act((done) => sftp.mkdir(path, attributes, done)),
    rename: (from, to) => act((done) => sftp.ext_openssh_rename(from, to, done)),
    symlink: (target, path) => act((done) => sftp.symlink(target, path, done)),
    unlink: (path) => act((done) => sftp.unlink(path, done)),
    rmdir: (path) => act((done) => sftp.rmdir(path, done)),
    async state(path) {
      const found = await call<StatVfs>((done) => sftp.ext_openssh_statvfs(path, done))
      const full = Number(found.f_bavail) === 0 || (Number(found.f_files) > 0 && Number(found.f_favail) === 0)
      return { full, readOnly: (Number(found.f_flag) & ST_RDONLY) !== 0 }
    },
  }
}
