import { CapabilityError, type ToolHost, type ToolPath } from '@host-deployer/driver-api'
import { tryTool } from './run-tool.ts'

/**
 * Maps the partitions of a disk whose table this tool host's kernel cannot read, or was not asked to: partx(8) reads it and tells the kernel where each one
 * starts and ends. The nodes go with the device. Does nothing for a table without partitions.
 *
 * `CAPABILITY_PARTITION_NODES`: the device takes no partitions (a loop device made without `--partscan`, an nbd module loaded with `max_part=0`).
 */
export async function addPartitionNodes(toolHost: ToolHost, disk: ToolPath): Promise<void> {
  const listed = await tryTool(toolHost, ['partx', '--show', '--noheadings', '--output', 'NR', '--', disk])
  if (listed.ok && listed.stdout.trim() === '') return
  const added = await tryTool(toolHost, ['partx', '--add', '--', disk])
  if (added.ok) return
  throw new CapabilityError('CAPABILITY_PARTITION_NODES', `${disk} is partitioned, and its partitions cannot be mapped: ${added.reason}`, {
    hint: 'Use --driver qemu-initramfs, whose kernel shows them; a driver that attaches loop devices makes them with --partscan.',
    context: { device: disk },
  })
}
