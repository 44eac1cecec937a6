import { mayBeRoot } from './mountable-filesystem.ts'
import type { Filesystem, Storage } from './storage.ts'

// Discoverable Partitions Specification: root partitions by architecture (x86, x86-64, arm, arm64, riscv64).
const rootTypes = new Set([
  '44479540-F297-41B2-9AF7-D131D5F0458A',
  '4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709',
  '69DAD710-2CE4-4E3C-B16C-21A1D49ABED3',
  'B921B045-1DF0-41C3-AF44-4C6F280D3FAE',
  '72EC70A6-CF74-40E6-BD49-4BDA08E8F224',
])

export const partitionOf = (storage: Storage, device: string) =>
  storage.disks
    .flatMap((disk) => (disk.table?.partitions ?? []).map((partition) => ({ disk, partition })))
    .find(({ partition }) => partition.node === device)

/** How much speaks for a root before anything is mounted. Only the order in which candidates are listed and shown depends on it. */
function score(storage: Storage, filesystem: Filesystem): number {
  const entry = partitionOf(storage, filesystem.device)
  const volume = storage.logicalVolumes.find(({ device }) => device === filesystem.device)
  const named = `${filesystem.label ?? ''} ${filesystem.partLabel ?? ''} ${volume?.name ?? ''}`.toLowerCase()
  return (
    (entry !== undefined && rootTypes.has(entry.partition.type) ? 8 : 0) +
    (/root|\bos\b|system/.test(named) ? 4 : 0) -
    (/boot|home|data|backup/.test(named) ? 4 : 0)
  )
}

/** File systems that may be a root, the likeliest first; among equals the bigger, then the order of the disks. Pure. */
export function rankCandidates(storage: Storage): readonly Filesystem[] {
  // One file system over several devices (btrfs) is one candidate.
  const seen = new Set<string>()
  return storage.filesystems
    .filter(({ type }) => mayBeRoot(type))
    .filter(({ type, uuid }) => {
      if (type !== 'btrfs' || uuid === null) return true
      if (seen.has(uuid)) return false
      seen.add(uuid)
      return true
    })
    .map((filesystem, index) => ({ filesystem, index, score: score(storage, filesystem) }))
    .sort((left, right) => right.score - left.score || right.filesystem.sizeBytes - left.filesystem.sizeBytes || left.index - right.index)
    .map(({ filesystem }) => filesystem)
}
