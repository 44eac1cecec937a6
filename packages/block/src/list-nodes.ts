import { BlockError, type ToolHost, type ToolPath } from '@host-deployer/driver-api'
import { type BlockNode, lsblkArgv, parseLsblk, sizesArgv } from './lsblk.ts'
import { probeNodes } from './probe-nodes.ts'
import { runTool, tryTool } from './run-tool.ts'

/**
 * The given devices and everything on them, with signatures: one command where lsblk is of util-linux 2.41 or later, else one more for each node.
 * A device that is not there is left out. `BLOCK_SCAN_FAILED`.
 */
export async function listNodes(toolHost: ToolHost, devices: readonly ToolPath[]): Promise<readonly BlockNode[]> {
  const { stdout } = await tryTool(toolHost, lsblkArgv(devices))
  // A missing device makes it exit with an error after it has listed the others.
  const nodes = parseLsblk(stdout)
  if (nodes !== undefined) return nodes
  const sizes = parseLsblk(await runTool(toolHost, 'BLOCK_SCAN_FAILED', sizesArgv(devices)))
  if (sizes === undefined) throw new BlockError('BLOCK_SCAN_FAILED', 'lsblk printed something that is not its JSON')
  return probeNodes(toolHost, sizes)
}
