import type { Diagnostic, ToolHost, ToolPath } from '@host-deployer/driver-api'
import { type GrowPlan, type GrowRequest, type GrowStep, isOnlineType } from './grow-plan.ts'
import type { MountedGuest } from './mounted-guest.ts'
import { partitionOf } from './rank-candidates.ts'
import type { Filesystem, Partition, Storage, StorageDisk } from './storage.ts'
import { readCoveredBytes, readSwapHeader, superblocksArgv } from './superblock.ts'

const mebibyte = 2 ** 20
// The last 33 sectors of a GPT disk hold the backup of the table (UEFI 5.3.1).
const gptTailSectors = 33
const mbrLimitSectors = 2 ** 32
// What a file system may leave at its end because it is too small for another group of blocks. Less than this is nothing to grow.
const slackBytes: Readonly<Record<string, number>> = {
  ext2: 8 * mebibyte,
  ext3: 8 * mebibyte,
  ext4: 8 * mebibyte,
  xfs: mebibyte,
  btrfs: mebibyte,
}

const nothing: GrowPlan = { steps: [], diagnostics: [] }
const finding = (found: Pick<Diagnostic, 'code' | 'summary' | 'path'>): GrowPlan => ({
  steps: [],
  diagnostics: [{ severity: 'warning', ...found }],
})

/**
 * Compares what the scan found with what the root could have. One look at the root's superblock, when the file system is asked for; nothing is
 * changed. An empty plan when there is nothing worth doing: less than 1 MiB for a partition, an extent for LVM, a block group for a file system.
 */
export async function planGrow(
  toolHost: ToolHost,
  storage: Storage,
  guest: Pick<MountedGuest, 'root' | 'rootDevice'>,
  request: GrowRequest,
): Promise<GrowPlan> {
  const below = request.partition ? growBelow(storage, guest.rootDevice) : nothing
  const filesystem = storage.filesystems.find(({ device }) => device === guest.rootDevice)
  if (!request.filesystem || filesystem === undefined) return below
  if (!isOnlineType(filesystem.type)) {
    const unsupported = finding({
      code: 'GROW_UNSUPPORTED',
      summary: `A ${filesystem.type} file system cannot be enlarged while it is mounted`,
      path: filesystem.device,
    })
    return { steps: below.steps, diagnostics: [...below.diagnostics, ...unsupported.diagnostics] }
  }
  const step = await growFilesystem(toolHost, filesystem, below.steps, guest.root)
  return { steps: [...below.steps, ...step], diagnostics: below.diagnostics }
}

/**
 * The same for a device that is not mounted, a partition, a logical volume or a whole disk; `target` is where it will be mounted if it has to be. What
 * holds nothing that can use more room is left alone, its partition as well (`GROW_UNSUPPORTED`).
 */
export async function planGrowDevice(toolHost: ToolHost, storage: Storage, device: ToolPath, target: ToolPath): Promise<GrowPlan> {
  const filesystem = storage.filesystems.find((candidate) => candidate.device === device)
  const type = filesystem?.type ?? 'nothing that is known'
  if (filesystem === undefined || !(isOnlineType(type) || type === 'f2fs' || type === 'swap'))
    return finding({ code: 'GROW_UNSUPPORTED', summary: `It holds ${type}, which is not enlarged`, path: device })
  const { steps, diagnostics } = growBelow(storage, device)
  return { steps: [...steps, ...(await growFilesystem(toolHost, filesystem, steps, target))], diagnostics }
}

/** The partition and the volumes under a device. Pure. */
export function growBelow(storage: Storage, device: ToolPath): GrowPlan {
  const volume = storage.logicalVolumes.find((candidate) => candidate.device === device)
  if (volume === undefined) {
    const found = partitionOf(storage, device)
    return found === undefined ? nothing : growPartition(found.disk, found.partition)
  }
  const group = storage.volumeGroups.find(({ name, active }) => active && name === volume.volumeGroup)
  if (group === undefined || group.extentSizeBytes === 0) return nothing
  const steps: GrowStep[] = []
  const diagnostics: Diagnostic[] = []
  let freeBytes = group.freeBytes
  const physicals = storage.physicalVolumes.filter(({ volumeGroup }) => volumeGroup === group.name)
  const members = physicals.map((physical) => physical.device)
  for (const physical of physicals) {
    const found = partitionOf(storage, physical.device)
    const plan = found === undefined ? nothing : growPartition(found.disk, found.partition)
    steps.push(...plan.steps)
    diagnostics.push(...plan.diagnostics)
    const step = plan.steps.at(-1)
    const deviceSizeBytes = step?.kind === 'partition' ? step.toBytes : physical.deviceSizeBytes
    const extents = (bytes: number) => Math.floor(bytes / group.extentSizeBytes)
    const gained = extents(deviceSizeBytes - physical.dataStartBytes) - extents(physical.sizeBytes)
    if (gained > 0) {
      steps.push({ kind: 'physical-volume', device: physical.device, members, systemId: group.systemId })
      freeBytes += gained * group.extentSizeBytes
    }
  }
  if (freeBytes < group.extentSizeBytes) return { steps, diagnostics }
  if (volume.layout !== 'linear') {
    const layout = finding({
      code: 'GROW_UNSUPPORTED',
      summary: `The volume is not linear (${volume.layout}): it is not enlarged`,
      path: device,
    })
    return { steps: [], diagnostics: [...diagnostics, ...layout.diagnostics] }
  }
  const gainedBytes = Math.floor(freeBytes / group.extentSizeBytes) * group.extentSizeBytes
  steps.push({ kind: 'logical-volume', device, members, systemId: group.systemId, toBytes: volume.sizeBytes + gainedBytes })
  return { steps, diagnostics }
}

const alignDown = (bytes: number): number => Math.floor(bytes / mebibyte) * mebibyte

// Types of an MBR's extended partition: CHS, LBA, and Linux's own.
const extendedTypes = new Set(['5', 'f', '85'])

/** The partition with the last byte that any has; what an extended partition reaches to is no use of the space. */
export function lastPartition({ table }: StorageDisk): Partition | undefined {
  const partitions = (table?.partitions ?? []).filter(({ type }) => table?.kind === 'gpt' || !extendedTypes.has(type))
  return partitions.toSorted((left, right) => endOf(right) - endOf(left))[0]
}

const endOf = ({ startBytes, sizeBytes }: Partition): number => startBytes + sizeBytes

function growPartition(disk: StorageDisk, partition: Partition): GrowPlan {
  const { table } = disk
  if (table === null) return nothing
  const usableBytes = disk.sizeBytes - (table.kind === 'gpt' ? gptTailSectors * table.sectorSizeBytes : 0)
  const lastEnd = Math.max(...table.partitions.map(endOf))
  // Nothing to have: whatever the layout is, it is as good as it gets.
  if (alignDown(usableBytes) - lastEnd < mebibyte) return nothing
  if (table.partitions.some((other) => other !== partition && endOf(other) > endOf(partition)))
    return finding({
      code: 'GROW_NOT_LAST',
      summary: 'Another partition lies between it and the free space: nothing is enlarged',
      path: partition.node,
    })
  const limit = table.kind === 'mbr' ? Math.min(usableBytes, mbrLimitSectors * table.sectorSizeBytes) : usableBytes
  const { diagnostics } =
    limit < usableBytes
      ? finding({ code: 'GROW_MBR_LIMIT', summary: 'An MBR cannot address more than 2 TiB: the rest stays unused', path: partition.node })
      : nothing
  const step = (entry: Partition): Extract<GrowStep, { kind: 'partition' }> => ({
    kind: 'partition',
    disk: disk.device,
    node: entry.node,
    table: table.kind,
    number: entry.number,
    sectorSizeBytes: table.sectorSizeBytes,
    startBytes: entry.startBytes,
    fromBytes: entry.sizeBytes,
    toBytes: alignDown(limit) - entry.startBytes,
  })
  if (step(partition).toBytes - partition.sizeBytes < mebibyte) return { steps: [], diagnostics }
  if (table.kind === 'gpt' || partition.number <= 4) return { steps: [step(partition)], diagnostics }
  const extended = table.partitions.find(({ type, number }) => number <= 4 && extendedTypes.has(type))
  if (extended === undefined)
    return finding({
      code: 'GROW_UNSUPPORTED',
      summary: 'A logical partition without an extended one: it is not enlarged',
      path: partition.node,
    })
  return { steps: [{ ...step(extended), extended: true }, step(partition)], diagnostics }
}

/** Nothing, when the file system fills its device already. What the steps below do to the device is in them. */
async function growFilesystem(
  toolHost: ToolHost,
  filesystem: Filesystem,
  below: readonly GrowStep[],
  target: ToolPath,
): Promise<GrowStep[]> {
  const { device, type, uuid, label } = filesystem
  const last = below.at(-1)
  const toBytes = last !== undefined && 'toBytes' in last ? last.toBytes : filesystem.sizeBytes
  if (below.length > 0 && type !== 'swap') return onFilesystem(filesystem, toBytes, target)
  const { stdout } = await toolHost.exec(superblocksArgv(device), { timeoutMs: 120_000 })
  if (type === 'swap') {
    const header = readSwapHeader(stdout)
    if (header === undefined || toBytes - header.coveredBytes < mebibyte) return []
    return [{ kind: 'swap', device, uuid, label, pageSizeBytes: header.pageSizeBytes, toBytes }]
  }
  const covered = readCoveredBytes(type, stdout)
  const rest = covered === undefined ? Number.POSITIVE_INFINITY : toBytes - covered
  return rest >= (slackBytes[type] ?? mebibyte) ? onFilesystem(filesystem, toBytes, target) : []
}

function onFilesystem({ device, type }: Filesystem, toBytes: number, target: ToolPath): GrowStep[] {
  if (type === 'f2fs') return [{ kind: 'filesystem', device, type, toBytes }]
  return isOnlineType(type) ? [{ kind: 'filesystem', device, type, target, toBytes }] : []
}
