import { type GuestPath, parentOf } from './guest-path.ts'

/** Whose content must not be shown. */
export interface SensitivePaths {
  /** Whether nobody is to see the content of this path. */
  has(path: GuestPath): boolean
  /** Whether it went with a tree whose content is not even to be read. */
  isInTree(path: GuestPath): boolean
}

export interface MutableSensitivePaths extends SensitivePaths {
  addFile(path: GuestPath): void
  addTree(path: GuestPath): void
}

export function createSensitivePaths(): MutableSensitivePaths {
  const files = new Set<GuestPath>()
  const trees = new Set<GuestPath>()
  const isInTree = (path: GuestPath): boolean => {
    if (trees.size === 0) return false
    for (let at = path; at !== '/'; at = parentOf(at)) if (trees.has(at)) return true
    return false
  }
  return {
    has: (path) => files.has(path) || isInTree(path),
    isInTree,
    addFile: (path) => void files.add(path),
    addTree: (path) => void trees.add(path),
  }
}
