import type { Diagnostic, ToolHost, ToolPath } from '@host-deployer/driver-api'
import type { GrowPlan, GrowRequest, GrowStep } from './grow-plan.ts'
import type { MountedGuest } from './mounted-guest.ts'
import { partitionOf } from './rank-candidates.ts'
import type { Partition, Storage, StorageDisk } from './storage.ts'
import { readCoveredBytes, superblocksArgv } from './superblock.ts'

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
  const below = request.partition ? growBelow(storage, guest.rootDevice) : { steps: [], diagnostics: [] }
  if (!request.filesystem) return below
  const grown = await growFilesystem(toolHost, storage, guest, below.steps.length > 0)
  return { steps: [...below.steps, ...grown.steps], diagnostics: [...below.diagnostics, ...grown.diagnostics] }
}

/** The partition and the volumes under the root. Pure. */
export function growBelow(storage: Storage, rootDevice: ToolPath): GrowPlan {
  const volume = storage.logicalVolumes.find(({ device }) => device === rootDevice)
  if (volume === undefined) {
    const found = partitionOf(storage, rootDevice)
    return found === undefined ? { steps: [], diagnostics: [] } : growPartition(found.disk, found.partition)
  }
  const group = storage.volumeGroups.find(({ name, active }) => active && name === volume.volumeGroup)
  if (group === undefined || group.extentSizeBytes === 0) return { steps: [], diagnostics: [] }
  const steps: GrowStep[] = []
  const diagnostics: Diagnostic[] = []
  let freeBytes = group.freeBytes
  const physicals = storage.physicalVolumes.filter(({ volumeGroup }) => volumeGroup === group.name)
  const members = physicals.map(({ device }) => device)
  for (const physical of physicals) {
    const found = partitionOf(storage, physical.device)
    const plan = found === undefined ? { steps: [], diagnostics: [] } : growPartition(found.disk, found.partition)
    steps.push(...plan.steps)
    diagnostics.push(...plan.diagnostics)
    const [step] = plan.steps
    const deviceSizeBytes = step?.kind === 'partition' ? step.toBytes : physical.deviceSizeBytes
    const extents = (bytes: number) => Math.floor(bytes / group.extentSizeBytes)
    const gained = extents(deviceSizeBytes - physical.dataStartBytes) - extents(physical.sizeBytes)
    if (gained > 0) {
      steps.push({ kind: 'physical-volume', device: physical.device, members })
      freeBytes += gained * group.extentSizeBytes
    }
  }
  if (freeBytes < group.extentSizeBytes) return { steps, diagnostics }
  if (volume.layout !== 'linear') {
    const summary = `The root volume is not linear (${volume.layout}): it is not enlarged`
    return { steps: [], diagnostics: [...diagnostics, { severity: 'warning', code: 'GROW_UNSUPPORTED', summary, path: rootDevice }] }
  }
  steps.push({ kind: 'logical-volume', device: volume.device, members })
  return { steps, diagnostics }
}

const alignDown = (bytes: number): number => Math.floor(bytes / mebibyte) * mebibyte

function growPartition(disk: StorageDisk, partition: Partition): GrowPlan {
  const { table } = disk
  if (table === null) return { steps: [], diagnostics: [] }
  const nothing = (reason?: Pick<Diagnostic, 'code' | 'summary'>): GrowPlan => ({
    steps: [],
    diagnostics: reason === undefined ? [] : [{ severity: 'warning', ...reason, path: partition.node }],
  })
  const usableBytes = disk.sizeBytes - (table.kind === 'gpt' ? gptTailSectors * table.sectorSizeBytes : 0)
  const lastEnd = Math.max(...table.partitions.map(({ startBytes, sizeBytes }) => startBytes + sizeBytes))
  // Nothing to have: whatever the layout is, it is as good as it gets.
  if (alignDown(usableBytes) - lastEnd < mebibyte) return nothing()
  if (table.kind === 'mbr' && partition.number > 4) {
    return nothing({ code: 'GROW_UNSUPPORTED', summary: 'The root is a logical partition of an MBR: it is not enlarged' })
  }
  const end = partition.startBytes + partition.sizeBytes
  if (table.partitions.some((other) => other !== partition && other.startBytes + other.sizeBytes > end)) {
    return nothing({ code: 'GROW_NOT_LAST', summary: 'Another partition lies between the root and the free space: nothing is enlarged' })
  }
  const limit = table.kind === 'mbr' ? Math.min(usableBytes, mbrLimitSectors * table.sectorSizeBytes) : usableBytes
  const toBytes = alignDown(limit) - partition.startBytes
  const limited =
    limit < usableBytes
      ? nothing({ code: 'GROW_MBR_LIMIT', summary: 'An MBR cannot address more than 2 TiB: the rest stays unused' })
      : nothing()
  if (toBytes - partition.sizeBytes < mebibyte) return limited
  const step: GrowStep = {
    kind: 'partition',
    disk: disk.device,
    node: partition.node,
    table: table.kind,
    number: partition.number,
    sectorSizeBytes: table.sectorSizeBytes,
    startBytes: partition.startBytes,
    fromBytes: partition.sizeBytes,
    toBytes,
  }
  return { steps: [step], diagnostics: limited.diagnostics }
}

async function growFilesystem(
  toolHost: ToolHost,
  storage: Storage,
  guest: Pick<MountedGuest, 'root' | 'rootDevice'>,
  deviceGrows: boolean,
): Promise<GrowPlan> {
  const filesystem = storage.filesystems.find(({ device }) => device === guest.rootDevice)
  if (filesystem === undefined) return { steps: [], diagnostics: [] }
  const { device, type } = filesystem
  if (type !== 'ext2' && type !== 'ext3' && type !== 'ext4' && type !== 'xfs' && type !== 'btrfs') {
    const summary = `A ${type} file system cannot be enlarged while it is mounted`
    return { steps: [], diagnostics: [{ severity: 'warning', code: 'GROW_UNSUPPORTED', summary, path: device }] }
  }
  const step: GrowStep = { kind: 'filesystem', device, type, target: guest.root }
  if (deviceGrows) return { steps: [step], diagnostics: [] }
  const { stdout } = await toolHost.exec(superblocksArgv(device), { timeoutMs: 120_000 })
  const covered = readCoveredBytes(type, stdout)
  const rest = covered === undefined ? Number.POSITIVE_INFINITY : filesystem.sizeBytes - covered
  return { steps: rest >= (slackBytes[type] ?? mebibyte) ? [step] : [], diagnostics: [] }
}
