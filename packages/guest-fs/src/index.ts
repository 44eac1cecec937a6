export type {
  DiffEntry,
  DirectoryOptions,
  GuestDirEntry,
  GuestFs,
  NodeState,
  Prefetch,
  StagedFs,
  TreeDiff,
  WritableGuestFs,
  WriteOptions,
} from './guest-fs.ts'
export type { GuestPath } from './guest-path.ts'
export { guestPath, joinGuestPath } from './guest-path.ts'
