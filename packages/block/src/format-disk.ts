import { type AttachedDisk, BlockError, CapabilityError, DeployError, type ToolHost, type ToolPath } from '@host-deployer/driver-api'
import { addPartitionNodes } from './add-partition-nodes.ts'
import { listNodes } from './list-nodes.ts'
import type { BlockNode } from './lsblk.ts'
import type { BlockSession } from './mounted-guest.ts'
import type { NewFilesystem } from './new-filesystem.ts'
import { type FormatPlan, makerOf, planFormat, smallestBytes } from './plan-format.ts'
import { printable } from './printable.ts'
import { probeNodes } from './probe-nodes.ts'
import { runTool } from './run-tool.ts'
import type { Filesystem } from './storage.ts'
import { toFilesystem } from './storage-from-lsblk.ts'

// Making ext3's inode tables on a disk of terabytes takes minutes.
const makeTimeoutMs = 1_800_000
const failedHint = 'What was on the disk is lost. See what the tool says, then format it again.'

/**
 * Makes a disk into a GPT with one partition that holds one file system; what was on it is lost. Resolves with the file system as probing the device
 * finds it afterwards.
 *
 * Before anything is written: `BLOCK_DISK_READ_ONLY`, `BLOCK_DISK_TOO_SMALL`, `CAPABILITY_FILESYSTEM_TOOL` (the tool host has no program that makes this
 * type), and without `force` `BLOCK_NOT_EMPTY`. Later: `BLOCK_FORMAT_FAILED`, `CAPABILITY_PARTITION_NODES`.
 */
export async function formatDisk(
  { toolHost, capabilities }: BlockSession,
  disk: AttachedDisk,
  wanted: NewFilesystem,
  { force }: { readonly force: boolean },
): Promise<Filesystem> {
  if (disk.readOnly) {
    const hint = 'Nothing was changed. Check who may write the image.'
    throw new BlockError('BLOCK_DISK_READ_ONLY', `${disk.device} refuses writes`, { hint, context: { device: disk.device } })
  }
  const [sectorSizeBytes, version, signatures] = await Promise.all([
    sectorSize(toolHost, disk.device),
    toolVersion(toolHost, wanted),
    listSignatures(toolHost, disk),
  ])
  const plan = planFormat({ sizeBytes: disk.sizeBytes, sectorSizeBytes, blank: signatures.length === 0 }, wanted, version)
  assertRoom(disk, plan, wanted)
  if (!force && signatures.length > 0) throw notEmpty(signatures, await listNodes(toolHost, [disk.device]))

  const node = await partition(toolHost, disk, plan, capabilities.partitionNodes)
  await runTool(toolHost, 'BLOCK_FORMAT_FAILED', [...plan.makeArgv, node.path], { timeoutMs: makeTimeoutMs, hint: failedHint })
  return verified(toolHost, disk, node, wanted)
}

async function sectorSize(toolHost: ToolHost, device: ToolPath): Promise<number> {
  const bytes = Number(await runTool(toolHost, 'BLOCK_SCAN_FAILED', ['blockdev', '--getss', device]))
  if (bytes >= 512 && bytes % 512 === 0) return bytes
  throw new BlockError('BLOCK_SCAN_FAILED', `blockdev does not tell the sector size of ${device}`)
}

function assertRoom(disk: AttachedDisk, { partitionBytes }: FormatPlan, { type }: NewFilesystem): void {
  const neededBytes = smallestBytes[type]
  if (partitionBytes >= neededBytes) return
  const mebibytes = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MiB`
  const message = `A disk of ${mebibytes(disk.sizeBytes)} is too small for ${type}, which needs a partition of ${mebibytes(neededBytes)}`
  throw new BlockError('BLOCK_DISK_TOO_SMALL', message, {
    hint: 'Nothing was changed. Make the disk 2 MiB larger than that, or choose another file system.',
    context: { sizeBytes: disk.sizeBytes, neededBytes },
  })
}

async function toolVersion(toolHost: ToolHost, { type }: NewFilesystem): Promise<string> {
  const [program, flag] = makerOf(type)
  try {
    const { stdout, stderr } = await toolHost.exec([program, flag], { timeoutMs: 60_000 })
    // mke2fs tells its version on standard error.
    return new TextDecoder().decode(Buffer.concat([stdout, stderr]))
  } catch (cause) {
    if (!DeployError.isInstance(cause) || cause.code !== 'EXEC_NOT_FOUND') throw cause
    throw new CapabilityError('CAPABILITY_FILESYSTEM_TOOL', `There is no ${program} where the disk is: ${type} cannot be made`, {
      hint: 'Nothing was changed. Use an appliance with that program, or with a driver that works on this machine install it here.',
      context: { program },
      cause,
    })
  }
}

async function listSignatures(toolHost: ToolHost, disk: AttachedDisk): Promise<string[]> {
  // Without --all it only looks; it also finds signatures that contradict each other.
  const listed = await runTool(toolHost, 'BLOCK_SCAN_FAILED', ['wipefs', '--noheadings', '--output', 'TYPE', '--', disk.device])
  return [...new Set(listed.split('\n').map((line) => line.trim()))].filter(Boolean)
}

function notEmpty(signatures: readonly string[], nodes: readonly BlockNode[]): BlockError {
  const holds = nodes.flatMap(({ filesystem, label }) => (filesystem === null ? [] : [printable(`${filesystem} ${label ?? ''}`).trim()]))
  return new BlockError('BLOCK_NOT_EMPTY', `The disk is not empty, it holds: ${[...new Set([...signatures, ...holds])].join(', ')}`, {
    hint: 'Nothing was changed. If all that is on it may be lost, format it with --force.',
    context: { signatures, filesystems: holds },
  })
}

/** Writes the table and resolves with the partition. What signatures there were on the disk and where the partition comes are wiped. */
async function partition(toolHost: ToolHost, disk: AttachedDisk, plan: FormatPlan, nodesAppear: boolean): Promise<BlockNode> {
  const argv = ['sfdisk', '--quiet', '--wipe', 'always', '--wipe-partitions', 'always', disk.device] as const
  await runTool(toolHost, 'BLOCK_FORMAT_FAILED', argv, { stdin: plan.script, timeoutMs: makeTimeoutMs, hint: failedHint })
  const find = async () => (await listNodes(toolHost, [disk.device])).find(({ type }) => type === 'part')
  let node = await find()
  if (node === undefined && !nodesAppear) {
    await addPartitionNodes(toolHost, disk.device)
    node = await find()
  }
  if (node?.sizeBytes === plan.partitionBytes) return node
  throw new BlockError('BLOCK_FORMAT_FAILED', `The partition does not appear on ${disk.device} as it was written`, {
    hint: 'Something on the tool host still uses what was on the disk before.',
    context: { device: disk.device, wantedBytes: plan.partitionBytes, foundBytes: node?.sizeBytes ?? null },
  })
}

/** Tools have said "done" before; what counts is what the next one to look finds. */
async function verified(toolHost: ToolHost, disk: AttachedDisk, node: BlockNode, wanted: NewFilesystem): Promise<Filesystem> {
  const [probed] = await probeNodes(toolHost, [node])
  const [found] = probed === undefined ? [] : toFilesystem(probed, node.path, disk.id)
  const same = (want: string | undefined, is: string | null | undefined) => want === undefined || want === is
  if (found?.type === wanted.type && same(wanted.uuid, found.uuid?.toLowerCase()) && same(wanted.label, found.label)) return found
  throw new BlockError('BLOCK_FORMAT_FAILED', `${node.path} does not hold the ${wanted.type} that was made on it`, {
    hint: 'The disk may be failing; look at the messages of the tool host.',
    context: { found: found ?? null },
  })
}
