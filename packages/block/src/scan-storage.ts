import {
  type AttachedDisk,
  BlockError,
  type Capabilities,
  type Diagnostic,
  type ToolHost,
  type ToolPath,
  toolPath,
} from '@host-deployer/driver-api'
import { addPartitionNodes } from './add-partition-nodes.ts'
import { assertNoGroupConflict } from './assert-no-group-conflict.ts'
import { listNodes } from './list-nodes.ts'
import type { BlockNode } from './lsblk.ts'
import { type LvmReport, lvmDevices, lvmEnvironment, lvmReportArgv, lvmSettings, mapperDevice, parseLvmReport } from './lvm-report.ts'
import { runTool, tryTool } from './run-tool.ts'
import type { Filesystem, LogicalVolume, PhysicalVolume, Storage, StorageDisk, VolumeGroup } from './storage.ts'
import { diskFilesystems, toFilesystem, toStorageDisk } from './storage-from-lsblk.ts'

interface Volumes {
  readonly physicalVolumes: readonly PhysicalVolume[]
  readonly volumeGroups: readonly VolumeGroup[]
  readonly logicalVolumes: readonly LogicalVolume[]
  readonly filesystems: readonly Filesystem[]
  readonly diagnostics: readonly Diagnostic[]
}

const noVolumes: Volumes = { physicalVolumes: [], volumeGroups: [], logicalVolumes: [], filesystems: [], diagnostics: [] }

/**
 * Finds partition tables, file systems and logical volumes on the given disks, and nothing else the tool host may have. Writes nothing; volume
 * groups that are found are activated ({@link releaseStorage}, or `MountedGuest.unmount`, undoes it).
 * `BLOCK_SCAN_FAILED`, `BLOCK_LVM_FAILED`, `BLOCK_VG_CONFLICT` (the tool host is a machine that has such a group already),
 * `CAPABILITY_PARTITION_NODES`.
 */
export async function scanStorage(toolHost: ToolHost, disks: readonly AttachedDisk[], capabilities: Capabilities): Promise<Storage> {
  const nodes = await nodesOf(toolHost, disks, capabilities)
  const found = disks.map((disk) => toStorageDisk(disk, nodes))
  const filesystems = found.flatMap((disk) => diskFilesystems(disk, nodes))
  const { members, clones } = lvmMembers(filesystems)
  const volumes = members.length === 0 ? noVolumes : await scanVolumes(toolHost, members, capabilities, disks)
  return {
    disks: found,
    physicalVolumes: volumes.physicalVolumes,
    volumeGroups: volumes.volumeGroups,
    logicalVolumes: volumes.logicalVolumes,
    filesystems: [...filesystems, ...volumes.filesystems],
    diagnostics: [...found.flatMap((disk) => unreadTable(disk, nodes)), ...clones, ...volumes.diagnostics],
  }
}

/** LVM refuses a group whose physical volume it sees twice: of a disk and its clone only the first is shown to it. */
function lvmMembers(filesystems: readonly Filesystem[]): { members: ToolPath[]; clones: Diagnostic[] } {
  const all = filesystems.filter(({ type }) => type === 'LVM2_member')
  const isClone = ({ uuid }: Filesystem, index: number) => uuid !== null && all.findIndex((other) => other.uuid === uuid) !== index
  return {
    members: all.filter((member, index) => !isClone(member, index)).map(({ device }) => device),
    clones: all.filter(isClone).map(({ device, uuid }) => ({
      severity: 'warning',
      code: 'BLOCK_LVM_CLONE',
      summary: `Two disks hold the same LVM physical volume (${uuid}): that of the first is used`,
      path: device,
    })),
  }
}

/** The nodes of all disks, those of partitions added where the tool host's kernel makes none. */
async function nodesOf(toolHost: ToolHost, disks: readonly AttachedDisk[], capabilities: Capabilities): Promise<readonly BlockNode[]> {
  const devices = disks.map(({ device }) => device)
  const nodes = await listNodes(toolHost, devices)
  if (capabilities.partitionNodes) return nodes
  const silent = disks.filter((disk) => isSilent(disk, nodes))
  if (silent.length === 0) return nodes
  await Promise.all(silent.map(({ device }) => addPartitionNodes(toolHost, device)))
  return listNodes(toolHost, devices)
}

/** A disk with a partition table of a kind that is read here, and without partitions. */
const isSilent = (disk: AttachedDisk, nodes: readonly BlockNode[]): boolean => {
  const { table } = toStorageDisk(disk, nodes)
  return table !== null && table.partitions.length === 0
}

function unreadTable(disk: StorageDisk, nodes: readonly BlockNode[]): Diagnostic[] {
  const type = nodes.find(({ path }) => path === disk.device)?.tableType ?? null
  if (type === null || disk.table !== null) return []
  const summary = `Disk ${disk.id} has a partition table of a kind that is not read: ${type}`
  return [{ severity: 'warning', code: 'BLOCK_TABLE_UNSUPPORTED', summary, path: disk.device }]
}

async function scanVolumes(
  toolHost: ToolHost,
  members: readonly ToolPath[],
  capabilities: Capabilities,
  disks: readonly AttachedDisk[],
): Promise<Volumes> {
  if (!capabilities.lvm) {
    const summary = 'LVM was found, and this driver cannot activate it: its volumes stay unread'
    return { ...noVolumes, diagnostics: members.map((path) => ({ severity: 'warning', code: 'BLOCK_LVM_UNAVAILABLE', summary, path })) }
  }
  const env = lvmEnvironment
  const report = parseLvmReport(await runTool(toolHost, 'BLOCK_LVM_FAILED', lvmReportArgv(members), { env }))
  if (report === undefined) throw new BlockError('BLOCK_LVM_FAILED', 'lvm fullreport printed something that is not its JSON')

  // The first disk's group wins a name that two have; device nodes are made by name.
  const rank = (group: (typeof report.groups)[number]) => Math.min(...group.physicalVolumes.map(({ device }) => members.indexOf(device)))
  const groups = [...report.groups].sort((left, right) => rank(left) - rank(right))
  const active = groups.filter((group, index) => groups.findIndex(({ name }) => name === group.name) === index)
  const diagnostics = groups.flatMap((group): Diagnostic[] => {
    if (!active.includes(group)) {
      const summary = `Two volume groups are called ${group.name}; the one with the uuid ${group.uuid} stays unread`
      return [{ severity: 'warning', code: 'BLOCK_LVM_NAME_COLLISION', summary }]
    }
    if (group.missingPhysicalVolumes === 0) return []
    const summary = `Volume group ${group.name} lacks ${group.missingPhysicalVolumes} physical volume(s); attach all disks of the guest`
    return [{ severity: 'warning', code: 'BLOCK_LVM_INCOMPLETE', summary }]
  })
  if (!capabilities.isolated) await assertNoGroupConflict(toolHost, disks, groups)
  await activate(
    toolHost,
    members,
    active,
    disks.some(({ readOnly }) => readOnly),
  )

  const logicalVolumes = active.flatMap((group) =>
    group.logicalVolumes.map(
      (volume): LogicalVolume => ({
        ...volume,
        device: toolPath(`/dev/${group.name}/${volume.name}`),
        mapperDevice: mapperDevice(group.name, volume.name),
        volumeGroup: group.name,
      }),
    ),
  )
  const present =
    logicalVolumes.length === 0
      ? []
      : await listNodes(
          toolHost,
          logicalVolumes.map(({ mapperDevice: path }) => path),
        )
  return {
    physicalVolumes: [
      ...groups.flatMap((group) => group.physicalVolumes.map((volume) => ({ ...volume, volumeGroup: group.name }))),
      ...report.orphans.map((volume) => ({ ...volume, volumeGroup: null })),
    ],
    volumeGroups: groups.map((group) => ({
      name: group.name,
      uuid: group.uuid,
      systemId: group.systemId,
      extentSizeBytes: group.extentSizeBytes,
      freeBytes: group.freeBytes,
      missingPhysicalVolumes: group.missingPhysicalVolumes,
      active: active.includes(group),
    })),
    logicalVolumes: logicalVolumes.filter(({ mapperDevice: path }) => present.some((node) => node.path === path)),
    filesystems: logicalVolumes.flatMap(({ device, mapperDevice: path }) =>
      present.filter((node) => node.path === path).flatMap((node) => toFilesystem(node, device, null)),
    ),
    diagnostics,
  }
}

type Group = Pick<LvmReport['groups'][number], 'name' | 'uuid' | 'systemId' | 'missingPhysicalVolumes'>

/** Those of one machine together, a guest has hardly ever more: a command has one system id. */
const bySystemId = <G extends Pick<Group, 'systemId'>>(groups: readonly G[]): (readonly [string | null, readonly G[]])[] =>
  [...new Set(groups.map(({ systemId }) => systemId))].map((id) => [id, groups.filter(({ systemId }) => systemId === id)])

const selectOf = (groups: readonly Pick<Group, 'uuid'>[]): string => groups.map(({ uuid }) => `vg_uuid=${uuid}`).join(' || ')

// By uuid: a name that two groups have would be refused. An incomplete group activates what it can.
async function activate(toolHost: ToolHost, members: readonly ToolPath[], groups: readonly Group[], readOnly: boolean): Promise<void> {
  for (const [systemId, same] of bySystemId(groups)) {
    // A writable volume on a device that refuses writes is refused itself (lvm.conf(5)).
    const settings = readOnly ? [`activation/read_only_volume_list=[${same.map(({ name }) => `"${name}"`).join(',')}]`] : []
    const argv = [
      'vgchange',
      ...lvmDevices(members),
      ...lvmSettings(systemId, ...settings),
      '--activate',
      'y',
      '--select',
      selectOf(same),
    ] as const
    const partial = same.some(({ missingPhysicalVolumes }) => missingPhysicalVolumes > 0)
    if (partial) await tryTool(toolHost, argv, { env: lvmEnvironment })
    else await runTool(toolHost, 'BLOCK_LVM_FAILED', argv, { env: lvmEnvironment })
  }
}

/** Deactivates what {@link scanStorage} activated, for a caller that never got a mounted guest. Idempotent. `BLOCK_LVM_FAILED`. */
export async function releaseStorage(toolHost: ToolHost, storage: Storage): Promise<void> {
  const groups = storage.volumeGroups.filter(({ active }) => active)
  const members = storage.physicalVolumes.map(({ device }) => device)
  for (const [systemId, same] of bySystemId(groups)) {
    const argv = ['vgchange', ...lvmDevices(members), ...lvmSettings(systemId), '--activate', 'n', '--select', selectOf(same)] as const
    await runTool(toolHost, 'BLOCK_LVM_FAILED', argv, { env: lvmEnvironment })
  }
}
