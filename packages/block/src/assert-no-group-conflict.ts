import { type AttachedDisk, BlockError, type ToolHost, type ToolPath } from '@host-deployer/driver-api'
import { lvmEnvironment } from './lvm-report.ts'
import { runTool } from './run-tool.ts'

interface Group {
  readonly name: string
  readonly uuid: string
}

/** A pattern of lvm.conf(5) for a disk and its partitions: `/dev/nbd1` has `/dev/nbd1p2`, and is not `/dev/nbd10`. */
const nodesOf = (device: ToolPath): string => `^${device}(${/\d$/.test(device) ? 'p' : ''}[0-9]+)?$`

/** Volume groups the tool host has besides those of a session's disks. Other names of one device are left out, lest it slips in by one of them. */
export function otherGroupsArgv(disks: readonly ToolPath[]): [string, ...string[]] {
  const filter = ['"r|^/dev/(disk|block)/|"', ...disks.map((device) => `"r|${nodesOf(device)}|"`), '"a|.*|"'].join(',')
  const config = `devices { use_devicesfile=0 filter=[${filter}] global_filter=[${filter}] }`
  return ['lvm', 'vgs', '--config', config, '--reportformat', 'json', '-o', 'vg_name,vg_uuid']
}

/** Parses what {@link otherGroupsArgv} prints. */
export function parseGroups(output: string): Group[] {
  const report = (JSON.parse(output) as { report?: readonly { vg?: readonly Record<string, unknown>[] }[] }).report ?? []
  return report.flatMap(({ vg = [] }) => vg.map((row) => ({ name: String(row['vg_name']), uuid: String(row['vg_uuid']) })))
}

/**
 * Where the tool host is a machine with disks of its own: insists that none of its volume groups has the name or the uuid of one of the guest's. Activating
 * would give the guest's volume for the host's, or the other way round. `BLOCK_VG_CONFLICT`; nothing is ever renamed.
 */
export async function assertNoGroupConflict(toolHost: ToolHost, disks: readonly AttachedDisk[], groups: readonly Group[]): Promise<void> {
  const argv = otherGroupsArgv(disks.map(({ device }) => device))
  const others = parseGroups(await runTool(toolHost, 'BLOCK_LVM_FAILED', argv, { env: lvmEnvironment }))
  for (const group of groups) {
    const other = others.find(({ name, uuid }) => name === group.name || uuid === group.uuid)
    if (other === undefined) continue
    const what =
      other.uuid === group.uuid ? `the uuid of the guest's volume group ${group.name}` : `a volume group called ${group.name}, too`
    throw new BlockError('BLOCK_VG_CONFLICT', `This machine has ${what}`, {
      hint: 'Use --driver qemu-initramfs: in its VM there are no other volume groups.',
      context: { name: group.name, uuid: group.uuid },
    })
  }
}
