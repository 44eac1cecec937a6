import { type AttachedDisk, BlockError, type ToolHost, type ToolPath } from '@host-deployer/driver-api'
import { lvmEnvironment } from './lvm-report.ts'
import { runTool } from './run-tool.ts'

interface Group {
  readonly name: string
  readonly uuid: string
}

interface OtherGroup extends Group {
  /** One of the physical volumes it is on; what LVM says for one that is missing. */
  readonly physicalVolume: string
}

/** A pattern of lvm.conf(5) for a disk and its partitions: `/dev/nbd1` has `/dev/nbd1p2`, and is not `/dev/nbd10`. */
const nodesOf = (device: ToolPath): string => `^${device}(${/\d$/.test(device) ? 'p' : ''}[0-9]+)?$`

/** Volume groups the tool host has besides those of a session's disks, whatever their system ids. Other names of one device are left out, lest it slips in by one of them. */
export function otherGroupsArgv(disks: readonly ToolPath[]): [string, ...string[]] {
  const filter = ['"r|^/dev/(disk|block)/|"', ...disks.map((device) => `"r|${nodesOf(device)}|"`), '"a|.*|"'].join(',')
  const config = `devices { use_devicesfile=0 filter=[${filter}] global_filter=[${filter}] }`
  return ['lvm', 'vgs', '--foreign', '--config', config, '--reportformat', 'json', '-o', 'vg_name,vg_uuid,pv_name']
}

/** Parses what {@link otherGroupsArgv} prints: each group as often as it has physical volumes. */
export function parseGroups(output: string): OtherGroup[] {
  const report = (JSON.parse(output) as { report?: readonly { vg?: readonly Record<string, unknown>[] }[] }).report ?? []
  return report.flatMap(({ vg = [] }) =>
    vg.map((row) => ({ name: String(row['vg_name']), uuid: String(row['vg_uuid']), physicalVolume: String(row['pv_name']) })),
  )
}

/** Disks of images, those of another session perhaps, are attached like this; disks of the machine itself are not. */
const isAttached = (device: string): boolean => /^\/dev\/(nbd|loop)\d/.test(device)

/**
 * Where the tool host is a machine with disks of its own: insists that none of its volume groups has the name or the uuid of one of the guest's. Activating
 * would give the guest's volume for the host's, or the other way round. `BLOCK_VG_CONFLICT`; nothing is ever renamed.
 */
export async function assertNoGroupConflict(toolHost: ToolHost, disks: readonly AttachedDisk[], groups: readonly Group[]): Promise<void> {
  const argv = otherGroupsArgv(disks.map(({ device }) => device))
  const others = parseGroups(await runTool(toolHost, 'BLOCK_LVM_FAILED', argv, { env: lvmEnvironment }))
  for (const group of groups) {
    const same = others.filter(({ name, uuid }) => name === group.name || uuid === group.uuid)
    const [other] = same
    if (other === undefined) continue
    const places = [...new Set(same.map(({ physicalVolume }) => physicalVolume))]
    const passes = places.every(isAttached)
    const what = other.uuid === group.uuid ? 'with the uuid' : 'with the name'
    throw new BlockError(
      'BLOCK_VG_CONFLICT',
      `This machine sees another volume group ${what} of the guest's ${group.name}, on ${places.join(', ')}`,
      {
        hint: passes
          ? 'Other disks are attached there, those of another session perhaps: try again when it has ended. Or use --driver qemu-initramfs: in its VM there are no other volume groups.'
          : 'Use --driver qemu-initramfs: in its VM there are no other volume groups.',
        retry: passes ? 'may-help' : 'never',
        context: { name: group.name, uuid: group.uuid, physicalVolumes: places },
      },
    )
  }
}
