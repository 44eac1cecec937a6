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
export { guestPath, joinGuestPath, parentOf } from './guest-path.ts'
export type { MemoryRawFs, MemoryRawFsOptions, RawCall, RawCallHook } from './memory-raw-fs.ts'
export { createMemoryRawFs } from './memory-raw-fs.ts'
export type { GuestMount, OpenedGuestFs } from './open-guest-fs.ts'
export { openGuestFs } from './open-guest-fs.ts'
export { renderDiff, renderPatch } from './render-diff.ts'
export type { SerializeDiffOptions } from './serialize-diff.ts'
export { serializeDiff } from './serialize-diff.ts'
export { stageGuestFs } from './stage-guest-fs.ts'
export type { ManifestEntry, TreeManifest } from './tree-manifest.ts'
export { loadTree, snapshotTree } from './tree-manifest.ts'
