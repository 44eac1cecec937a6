import { DeployError, type ToolHost } from '@host-deployer/driver-api'
import type { GrowPlan, GrowStep } from './grow-plan.ts'
import { lvmDevices, lvmEnvironment, lvmSettings } from './lvm-report.ts'
import { runTool } from './run-tool.ts'

// Making block groups of a terabyte on a slow disk takes minutes.
const resizeTimeoutMs = 1_800_000

/**
 * Carries out a plan; what grows while it is mounted has to be mounted read-write. `BLOCK_GROW_FAILED` names the tool that failed; steps before it stay, and each leaves
 * a valid disk: planning again finds the rest.
 */
export async function applyGrow(toolHost: ToolHost, plan: GrowPlan): Promise<void> {
  for (const step of plan.steps) await apply(toolHost, step)
}

async function apply(toolHost: ToolHost, step: GrowStep): Promise<void> {
  const run = (argv: readonly [string, ...string[]], stdin?: string) =>
    runTool(toolHost, 'BLOCK_GROW_FAILED', argv, {
      timeoutMs: resizeTimeoutMs,
      hint: 'What was done before is whole. Mend what the message names, then grow it again: it goes on from there.',
      env: lvmEnvironment,
      ...(stdin === undefined ? {} : { stdin }),
    })
  switch (step.kind) {
    case 'partition':
      await growPartition(run, step)
      return
    case 'physical-volume':
      await run(['pvresize', ...lvmDevices(step.members), ...lvmSettings(step.systemId), step.device])
      return
    case 'logical-volume':
      await run(['lvextend', ...lvmDevices(step.members), ...lvmSettings(step.systemId), '--extents', '+100%FREE', step.device])
      return
    case 'filesystem':
      await run(growCommand(step))
      return
    case 'swap':
      await run(['mkswap', '--pagesize', String(step.pageSizeBytes), ...tags(step), step.device])
      return
  }
}

type Run = (argv: readonly [string, ...string[]], stdin?: string) => Promise<string>

// The table is written under mounted partitions: sfdisk must not ask the kernel to read it again (which refuses), the one partition is told about
// instead. Only the size is given: number, start, type, uuid, name and attributes stay (sfdisk(8), "-N").
async function growPartition(run: Run, step: Extract<GrowStep, { kind: 'partition' }>): Promise<void> {
  const quiet = ['--no-reread', '--no-tell-kernel'] as const
  const sectors = step.toBytes / step.sectorSizeBytes
  const resize = () => run(['sfdisk', ...quiet, '--partno', String(step.number), step.disk], `,${sectors}\n`)
  try {
    await resize()
  } catch (error) {
    // An enlarged disk has the backup of its GPT in the middle, which limits what partitions may use. sfdisk 2.38 moves it whenever it writes; one that does not
    // refuses the size and has written nothing.
    if (step.table !== 'gpt' || !DeployError.isInstance(error) || error.code !== 'BLOCK_GROW_FAILED') throw error
    await run(['sfdisk', ...quiet, '--relocate', 'gpt-bak-std', step.disk])
    await resize()
  }
  if (step.extended === true) return
  try {
    await run(['partx', '--update', '--nr', String(step.number), step.disk])
  } catch (error) {
    // An appliance may have parted and not all of util-linux; partprobe(8) resizes a partition in use as well.
    if (!DeployError.isInstance(error) || error.code !== 'EXEC_NOT_FOUND') throw error
    await run(['partprobe', step.disk])
  }
}

function growCommand(step: Extract<GrowStep, { kind: 'filesystem' }>): [string, ...string[]] {
  switch (step.type) {
    case 'xfs':
      return ['xfs_growfs', '-d', step.target]
    case 'btrfs':
      return ['btrfs', 'filesystem', 'resize', 'max', step.target]
    case 'f2fs':
      return ['resize.f2fs', step.device]
    default:
      return ['resize2fs', step.device]
  }
}

const tags = ({ uuid, label }: Extract<GrowStep, { kind: 'swap' }>): string[] => [
  ...(uuid === null ? [] : ['--uuid', uuid]),
  ...(label === null ? [] : ['--label', label]),
]
