import type { ToolPath } from './paths.ts'

export type FileType = 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'character-device' | 'block-device'

/** What `lstat(2)` says, without the fields that differ between two mounts of one file system. */
export interface RawStat {
  readonly type: FileType
  /** Permission bits with setuid, setgid and sticky: `mode & 0o7777`. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly sizeBytes: number
  /** Modification time in milliseconds since the epoch; sftp gives whole seconds. */
  readonly mtimeMs: number
}

export interface RawDirEntry {
  readonly name: string
  readonly stat: RawStat
}

export interface XattrChange {
  readonly path: ToolPath
  readonly attributes: ReadonlyMap<string, Uint8Array>
}

export interface CreateOptions {
  /** Permission bits, set exactly whatever the umask. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/**
 * The file primitives of a tool host. Paths are absolute tool paths, followed by the kernel of the tool host: **callers resolve the
 * guest's symlinks themselves** (`guest-fs`), so every directory of a path given here is a real directory.
 *
 * No primitive follows a symlink in the last position, none opens anything but a regular file (a FIFO is never opened), none overwrites:
 * `createFile`, `mkdir` and `symlink` fail with `already-exists`; files are created under a new name and renamed into place.
 * Every method rejects with `FsError`; once the tool host is gone, with what `exec` rejects with then: that says nothing of a file. Calls may be issued in parallel; an implementation over a connection pipelines them. Calls are not
 * ordered among themselves unless the caller awaits.
 */
export interface RawFs {
  /** `not-found`, `not-a-directory` (a parent is a file). */
  lstat(path: ToolPath): Promise<RawStat>
  /** The link's text as stored. `not-a-symlink`, `not-found`. */
  readlink(path: ToolPath): Promise<string>
  /** Entries without `.` and `..`, in no particular order, each with its `lstat`. `not-a-directory`, `not-found`. */
  readdir(path: ToolPath): Promise<RawDirEntry[]>
  /** A regular file's bytes. `not-a-file` for anything else, symlinks included; `too-large` when longer than `maxBytes`; `not-found`. */
  readFile(path: ToolPath, options: { readonly maxBytes: number }): Promise<Uint8Array>
  /** Creates and fills a file. `already-exists` (a dangling symlink counts), `not-found` (no parent), `no-space`, `read-only`. A failed call leaves no file. */
  createFile(path: ToolPath, content: Uint8Array, options: CreateOptions): Promise<void>
  /** `rename(2)` within one file system: replaces a file or link at `to` atomically. `not-found`, `is-a-directory`, `not-empty`. */
  rename(from: ToolPath, to: ToolPath): Promise<void>
  /** Creates one directory with exactly this mode and owner. `already-exists`, `not-found`. */
  mkdir(path: ToolPath, options: CreateOptions): Promise<void>
  /** Creates a symlink holding `target` as it is. `already-exists`, `not-found`. */
  symlink(target: string, path: ToolPath, owner: { readonly uid: number; readonly gid: number }): Promise<void>
  /** Removes anything but a directory. `is-a-directory`, `not-found`. */
  unlink(path: ToolPath): Promise<void>
  /** Removes an empty directory. `not-empty`, `not-a-directory`, `not-found`. */
  rmdir(path: ToolPath): Promise<void>
  /** Sets permission bits of a file or directory. `not-supported` for a symlink: Linux has no mode there. */
  chmod(path: ToolPath, mode: number): Promise<void>
  /** Sets the numeric owner of anything, symlinks themselves included. */
  chown(path: ToolPath, uid: number, gid: number): Promise<void>
  /**
   * All extended attributes by full name (`security.selinux`), one map per path in the order asked; an empty map where there are none or the
   * file system has no such thing. Does not follow symlinks. Many paths at once, since a transport may need a command for it.
   */
  getXattrs(paths: readonly ToolPath[]): Promise<ReadonlyMap<string, Uint8Array>[]>
  /** Sets the given attributes, leaving others alone. `not-supported` where the file system has none. */
  setXattrs(changes: readonly XattrChange[]): Promise<void>
  /** Writes everything of the file system that holds `path` to its device (`syncfs(2)`). Reports write-back errors as `io`. */
  syncfs(path: ToolPath): Promise<void>
}
