import type { AttachedDisk, ToolPath } from '@host-deployer/driver-api'
import type { BlockNode } from './lsblk.ts'
import type { Filesystem, Partition, PartitionTable, StorageDisk } from './storage.ts'

const nameOf = (path: ToolPath): string => path.slice(path.lastIndexOf('/') + 1)

const tableKind = (type: string | null): 'gpt' | 'mbr' | null => (type === 'gpt' ? 'gpt' : type === 'dos' ? 'mbr' : null)

/** GPT: upper case GUID; MBR: `0x83` becomes `83`. */
const partitionType = (kind: 'gpt' | 'mbr', type: string | null): string =>
  kind === 'gpt' ? (type ?? '').toUpperCase() : (type ?? '').toLowerCase().replace(/^0x0*(?=.)/, '')

function toPartition(diskId: string, kind: 'gpt' | 'mbr', node: BlockNode): Partition[] {
  if (node.startBytes === null) return []
  const number = node.partitionNumber ?? Number(/\d+$/.exec(node.path)?.[0] ?? Number.NaN)
  if (!Number.isSafeInteger(number)) return []
  return [
    {
      diskId,
      number,
      node: node.path,
      startBytes: node.startBytes,
      sizeBytes: node.sizeBytes,
      type: partitionType(kind, node.partitionType),
      name: node.partLabel,
      uuid: node.partUuid?.toLowerCase() ?? null,
    },
  ]
}

const partitionNodes = (nodes: readonly BlockNode[], disk: AttachedDisk): BlockNode[] =>
  nodes.filter((node) => node.type === 'part' && node.parent === nameOf(disk.device))

/** A disk with its table, from the nodes lsblk listed for it. Pure. */
export function toStorageDisk(disk: AttachedDisk, nodes: readonly BlockNode[]): StorageDisk {
  const whole = nodes.find((node) => node.path === disk.device)
  const kind = tableKind(whole?.tableType ?? null)
  const table: PartitionTable | null =
    kind === null || whole === undefined
      ? null
      : {
          kind,
          sectorSizeBytes: whole.sectorSizeBytes,
          id: whole.tableId?.toLowerCase() ?? null,
          partitions: partitionNodes(nodes, disk)
            .flatMap((node) => toPartition(disk.id, kind, node))
            .sort((left, right) => left.number - right.number),
        }
  return { id: disk.id, device: disk.device, sizeBytes: whole?.sizeBytes ?? disk.sizeBytes, readOnly: disk.readOnly, table }
}

/** What is on one node, if anything is. Pure. */
export function toFilesystem(node: BlockNode, device: ToolPath, diskId: string | null): Filesystem[] {
  if (node.filesystem === null) return []
  return [
    {
      device,
      type: node.filesystem,
      label: node.label,
      uuid: node.uuid,
      partUuid: node.type === 'part' ? (node.partUuid?.toLowerCase() ?? null) : null,
      partLabel: node.type === 'part' ? node.partLabel : null,
      sizeBytes: node.sizeBytes,
      diskId,
    },
  ]
}

/** Signatures on a disk itself and on its partitions, in the order of their numbers. Pure. */
export function diskFilesystems(disk: StorageDisk, nodes: readonly BlockNode[]): Filesystem[] {
  const order = [disk.device, ...(disk.table?.partitions.map(({ node }) => node) ?? [])]
  return order.flatMap((path) => nodes.filter((node) => node.path === path).flatMap((node) => toFilesystem(node, path, disk.id)))
}
