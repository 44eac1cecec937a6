import { BlockError, type Diagnostic, type ToolPath } from '@host-deployer/driver-api'
import { matchSource } from './match-source.ts'
import { growBelow, lastPartition } from './plan-grow.ts'
import type { Storage } from './storage.ts'

/** What is to fill a disk that has become larger. */
export type GrowTarget =
  /** A partition, a whole disk, or a logical volume. */
  | { readonly kind: 'device'; readonly device: ToolPath }
  /** One of several logical volumes: the one that the guest's root is on. */
  | { readonly kind: 'root'; readonly volumes: readonly ToolPath[] }
  /** There is nothing, or nothing that should. */
  | { readonly kind: 'nothing'; readonly diagnostics: readonly Diagnostic[] }

/**
 * Decides what is to grow on the only disk of a session: the last partition, by position, or what is on the whole disk; where that is LVM, its logical
 * volume. `wanted` (a device as the scan names it, or `UUID=`, `LABEL=`) decides instead. Pure. `BLOCK_GROW_AMBIGUOUS`: several match `wanted`;
 * `BLOCK_ROOT_NOT_FOUND`: none.
 */
export function chooseGrowTarget(storage: Storage, wanted?: string): GrowTarget {
  if (wanted !== undefined) return { kind: 'device', device: named(storage, wanted) }
  const [disk] = storage.disks
  if (disk === undefined) return nothing()
  const last = lastPartition(disk)
  const device = last?.node ?? disk.device
  // A blank disk, an empty table.
  if (last === undefined && !storage.filesystems.some((filesystem) => filesystem.device === device)) return nothing()

  const physical = storage.physicalVolumes.find((volume) => volume.device === device)
  if (physical !== undefined) return inGroup(storage, device, physical.volumeGroup)
  if (last !== undefined && isGuestSwap(storage, device)) {
    // In the way of nothing when there is no free space behind it.
    if (growBelow(storage, device).steps.length === 0) return nothing()
    return nothing({
      code: 'GROW_NOT_LAST',
      summary: 'The last partition is swap, which does not need the space; it is in the way of the others',
      path: device,
    })
  }
  return { kind: 'device', device }
}

function inGroup(storage: Storage, device: ToolPath, name: string | null): GrowTarget {
  const group = storage.volumeGroups.find((candidate) => candidate.name === name && candidate.active)
  if (group === undefined)
    return nothing({ code: 'GROW_UNSUPPORTED', summary: 'It is an LVM physical volume of no volume group that can be used', path: device })
  if (group.missingPhysicalVolumes > 0)
    return nothing({
      code: 'GROW_UNSUPPORTED',
      summary: `The volume group ${group.name} spans disks that are not here: it is not enlarged`,
      path: device,
    })
  const volumes = storage.logicalVolumes.filter(({ volumeGroup }) => volumeGroup === group.name).map((volume) => volume.device)
  const [first, ...others] = volumes
  if (first === undefined)
    return nothing({ code: 'GROW_UNSUPPORTED', summary: `The volume group ${group.name} has no logical volume`, path: device })
  return others.length === 0 ? { kind: 'device', device: first } : { kind: 'root', volumes }
}

/** Swap behind a guest's other file systems: enlarging a disk is never meant for it. */
const isGuestSwap = ({ filesystems }: Storage, device: ToolPath): boolean =>
  filesystems.some((filesystem) => filesystem.device === device && filesystem.type === 'swap') && filesystems.length > 1

function nothing(found?: Pick<Diagnostic, 'code' | 'summary' | 'path'>): GrowTarget {
  return { kind: 'nothing', diagnostics: found === undefined ? [] : [{ severity: 'warning', ...found }] }
}

function named(storage: Storage, wanted: string): ToolPath {
  const exact = storage.filesystems.filter(({ device }) => device === wanted)
  const [first, second] = exact.length > 0 ? exact : matchSource(storage, wanted)
  const hint = `What was found: ${storage.filesystems.map(({ device, type }) => `${device} (${type})`).join(', ') || 'nothing'}`
  if (first === undefined) throw new BlockError('BLOCK_ROOT_NOT_FOUND', `No file system matches ${JSON.stringify(wanted)}`, { hint })
  if (second !== undefined) throw new BlockError('BLOCK_GROW_AMBIGUOUS', `Several file systems match ${JSON.stringify(wanted)}`, { hint })
  return first.device
}
