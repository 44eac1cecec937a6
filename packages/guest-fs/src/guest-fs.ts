import type { RawStat } from '@host-deployer/driver-api'
import type { GuestPath } from './guest-path.ts'

/** One name in a directory of the guest. */
export interface GuestDirEntry {
  readonly name: string
  readonly stat: RawStat
}

/**
 * The guest's file tree, read only, rooted at the mounted root file system.
 *
 * Paths are the guest's own. Every lookup is walked segment by segment with `lstat` and `readlink`, as the guest's kernel would do it after a
 * `chroot`: an absolute link restarts at the guest's root, `..` stops there, 40 links are `symlink-loop` (path_resolution(7)).
 * Nobody else writes the tree while the driver holds the image, so what was looked up stays true: the walk has no races and may be cached.
 *
 * Methods reject with `FsError`; its `path` is the guest path.
 */
export interface GuestFs {
  /**
   * The canonical path: no symlinks, no `..`. The last segment's link is followed unless `followLast` is false. Missing trailing segments are
   * kept as they are (the place where the guest would create them); `not-a-directory` when a file stands in the way.
   */
  resolve(path: GuestPath, options?: { readonly followLast?: boolean }): Promise<GuestPath>
  /** Does not follow the last link. */
  lstat(path: GuestPath): Promise<RawStat>
  /** Follows the last link. */
  stat(path: GuestPath): Promise<RawStat>
  /** Whether `stat` finds something. Only `not-found` (a dangling link, too) and `not-a-directory` turn into false. */
  exists(path: GuestPath): Promise<boolean>
  readlink(path: GuestPath): Promise<string>
  /** Sorted by name (code units). Follows the last link. */
  readdir(path: GuestPath): Promise<GuestDirEntry[]>
  /** A regular file's bytes, links followed. `too-large` beyond `maxBytes` (default 4 MiB), `not-a-file`. */
  readFile(path: GuestPath, options?: { readonly maxBytes?: number }): Promise<Uint8Array>
  /** As `readFile`, decoded as UTF-8. `not-supported` when it is not valid UTF-8: an editor that guesses would damage it. */
  readText(path: GuestPath, options?: { readonly maxBytes?: number }): Promise<string>
  /** As `readText`, `undefined` when there is no such file (`not-found`, `not-a-directory`). Everything else still rejects. */
  readTextIfExists(path: GuestPath, options?: { readonly maxBytes?: number }): Promise<string | undefined>
  /** Extended attributes of the entry itself, by full name. */
  getXattrs(path: GuestPath): Promise<ReadonlyMap<string, Uint8Array>>
  /** Tells what will be asked soon, so that a slow transport fetches it in parallel. Never rejects; absent paths are fine. */
  prefetch(wanted: Prefetch): Promise<void>
}

export interface Prefetch {
  /** Directories to list (with the `lstat` of what is in them). */
  readonly directories?: readonly GuestPath[]
  /** Files whose content will be read. */
  readonly files?: readonly GuestPath[]
}

export interface WriteOptions {
  /** Permission bits. Absent: those of the file that is replaced, else 0o644. */
  readonly mode?: number
  /** Numeric owner. Absent: that of the file that is replaced, else 0. */
  readonly uid?: number
  readonly gid?: number
  /** Replace a symlink at the last position by the file instead of writing through it. Default false: writes land where the guest's would. */
  readonly replaceSymlink?: boolean
  /** The content must not be shown in diffs and reports. Once set for a path, it stays. */
  readonly sensitive?: boolean
}

export interface DirectoryOptions {
  /** Permission bits of each directory that is created, default 0o755. Existing ones are left alone. */
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
}

/**
 * The tree as operations change it: a copy-on-write overlay over a {@link GuestFs}. Nothing reaches the disk before `commit`; reads see what was
 * written. Writing what is there already (same bytes, mode, owner) leaves no trace in the diff.
 */
export interface WritableGuestFs extends GuestFs {
  /**
   * Creates or replaces a file. The parent must exist (`not-found`); links are followed as the guest would, so that the file lands in the guest.
   * A replaced file keeps owner, mode and extended attributes unless told otherwise. `is-a-directory`, `not-a-file` (a device or FIFO is there).
   */
  writeFile(path: GuestPath, content: string | Uint8Array, options?: WriteOptions): Promise<void>
  /** Creates the directory and what is missing above it. Existing directories are left alone; `not-a-directory` when a file stands in the way. */
  makeDirectories(path: GuestPath, options?: DirectoryOptions): Promise<void>
  /** Makes `path` a symlink holding `target`. Replaces a link or file there; `is-a-directory` for a directory. */
  symlink(target: string, path: GuestPath, owner?: { readonly uid?: number; readonly gid?: number }): Promise<void>
  /** Removes one entry: a file, link, or empty directory (`not-empty`). Absent: nothing happens. Does not follow the last link. */
  remove(path: GuestPath): Promise<void>
  /**
   * Removes an entry with everything below it. Absent: nothing happens. Does not follow links. `sensitive`: what was in it is not shown in diffs
   * and reports, and not even read; once set for a path, it stays.
   */
  removeTree(path: GuestPath, options?: { readonly sensitive?: boolean }): Promise<void>
  /** Follows the last link. */
  chmod(path: GuestPath, mode: number): Promise<void>
  /** Follows the last link. */
  chown(path: GuestPath, uid: number, gid: number): Promise<void>
  /** Of the entry itself, as `getXattrs`. */
  setXattr(path: GuestPath, name: string, value: Uint8Array): Promise<void>
}

/** What one side of a change looks like. */
export interface NodeState {
  readonly type: RawStat['type']
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Regular files only. */
  readonly sizeBytes?: number
  /** Hex SHA-256 of a regular file's content. Absent where nothing needed the bytes: a big file that is removed or only changes its metadata. */
  readonly sha256?: string
  /** A symlink's text. */
  readonly target?: string
  /** Attributes by name, values in base64; absent when there are none. */
  readonly xattrs?: Readonly<Record<string, string>>
}

export interface DiffEntry {
  /** Canonical: where the change lands. */
  readonly path: GuestPath
  readonly kind: 'added' | 'changed' | 'removed'
  readonly before?: NodeState
  readonly after?: NodeState
  /** Content is not to be shown: it was written as sensitive, or the old content was not readable for every user of the guest. */
  readonly sensitive: boolean
  /** Both sides as bytes, regular files only, for people's diffs and golden trees. Not enumerable: it never gets into JSON by accident. */
  readonly content?: { readonly before?: Uint8Array; readonly after?: Uint8Array }
}

/** The whole tree's delta, sorted by path. Empty means that the tree is already as asked. */
export type TreeDiff = readonly DiffEntry[]

export interface StagedFs extends WritableGuestFs {
  diff(): Promise<TreeDiff>
  /** A text that is the same at two moments when the diff is. Cheaper: what the replaced entries' attributes are is not looked up. */
  fingerprint(): Promise<string>
  /**
   * What a commit would write to: the diff's paths, and staging that a killed run left. Empty when there is nothing to do. Only reads, so that
   * a caller can decide what has to be made writable at all.
   */
  pathsToCommit(): Promise<readonly GuestPath[]>
  /**
   * Applies the diff: stale staging of a killed run removed, new files written completely to a staging directory of each file system and
   * synced, then directories, renames into place, links, removals, metadata, sync. At every moment each file is the old or the new one.
   * `FS_NO_SPACE` and every other failure before the renames leaves the tree as it was; after a later one the same request again completes
   * it. When it resolves, everything is on the device. New directories are moved into place complete, removed ones out of it whole. Returns what was applied; the overlay is empty then and
   * reads see the committed tree. An empty diff writes nothing at all, unless a killed run left something to remove.
   */
  commit(): Promise<TreeDiff>
}
