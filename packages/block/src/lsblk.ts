import { type ToolPath, toolPath } from '@host-deployer/driver-api'

/** One block device as lsblk(8) sees it, with what libblkid finds at its start. */
export interface BlockNode {
  readonly path: ToolPath
  /** `disk`, `part`, `lvm`, `crypt`, `loop`, `rom`. */
  readonly type: string
  /** The kernel's name of the device this one is part of. */
  readonly parent: string | null
  readonly sizeBytes: number
  readonly readOnly: boolean
  readonly sectorSizeBytes: number
  /** Of a partition, in bytes from the start of its disk. */
  readonly startBytes: number | null
  /** blkid's name of the partition table on it or, for a partition, of the one it is in: `gpt`, `dos`. */
  readonly tableType: string | null
  readonly tableId: string | null
  readonly partitionNumber: number | null
  readonly partitionType: string | null
  readonly partUuid: string | null
  readonly partLabel: string | null
  readonly filesystem: string | null
  readonly label: string | null
  readonly uuid: string | null
}

const sizeColumns = 'PATH,TYPE,PKNAME,SIZE,RO,LOG-SEC,START'
const columns = `${sizeColumns},PTTYPE,PTUUID,PARTN,PARTTYPE,PARTUUID,PARTLABEL,FSTYPE,LABEL,UUID`

/**
 * One command for everything: sizes from the kernel, signatures straight from the devices, since an appliance has no udev (and a host's would
 * answer from a cache). `--properties-by` came with util-linux 2.41.
 */
export function lsblkArgv(devices: readonly ToolPath[]): [string, ...string[]] {
  return ['lsblk', '--json', '--bytes', '--properties-by', 'blkid', '--output', columns, ...devices]
}

/** As {@link lsblkArgv} for older versions, whose lsblk takes signatures from udev alone: without them. */
export function sizesArgv(devices: readonly ToolPath[]): [string, ...string[]] {
  return ['lsblk', '--json', '--bytes', '--output', sizeColumns, ...devices]
}

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)
const integer = (value: unknown): number | null => {
  // Before 2.36 numbers came as strings.
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : null
}

function parseNode(raw: Record<string, unknown>): BlockNode | undefined {
  const path = text(raw['path'])
  const sizeBytes = integer(raw['size'])
  if (path === null || !path.startsWith('/') || sizeBytes === null) return undefined
  const start = integer(raw['start'])
  return {
    path: toolPath(path),
    type: text(raw['type']) ?? '',
    parent: text(raw['pkname']),
    sizeBytes,
    readOnly: raw['ro'] === true || raw['ro'] === '1',
    sectorSizeBytes: integer(raw['log-sec']) ?? 512,
    // sysfs counts in units of 512 bytes whatever the sector size is.
    startBytes: start === null ? null : start * 512,
    tableType: text(raw['pttype']),
    tableId: text(raw['ptuuid']),
    partitionNumber: integer(raw['partn']),
    partitionType: text(raw['parttype']),
    partUuid: text(raw['partuuid']),
    partLabel: text(raw['partlabel']),
    filesystem: text(raw['fstype']),
    label: text(raw['label']),
    uuid: text(raw['uuid']),
  }
}

/** Parses what {@link lsblkArgv} or {@link sizesArgv} prints, each device once, in its order. `undefined` when that is not lsblk's JSON. */
export function parseLsblk(output: string): readonly BlockNode[] | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(output)
  } catch {
    return undefined
  }
  const list = (parsed as { blockdevices?: unknown } | null)?.blockdevices
  if (!Array.isArray(list)) return undefined
  const nodes = new Map<string, BlockNode>()
  for (const raw of list) {
    const node = typeof raw === 'object' && raw !== null ? parseNode(raw as Record<string, unknown>) : undefined
    if (node !== undefined && !nodes.has(node.path)) nodes.set(node.path, node)
  }
  return [...nodes.values()]
}
