import { BlockError, DeployError, type ToolHost, type ToolPath, toolPath } from '@host-deployer/driver-api'
import { applyGrow } from './apply-grow.ts'
import type { GrowPlan, GrowStep } from './grow-plan.ts'
import { mountFilesystem } from './mount-filesystem.ts'
import type { BlockSession } from './mounted-guest.ts'
import { printable } from './printable.ts'
import { unmountAll } from './unmount-all.ts'

/** Where {@link growDevice} mounts what grows while it is mounted. */
export const growTarget: ToolPath = toolPath('/run/host-deployer/grow')

type MountedStep = Extract<GrowStep, { kind: 'filesystem'; target: ToolPath }>

const toWrite = { ignoreJournal: false, makeTarget: true, writable: true } as const

// A whole check of a big file system on a slow disk.
const checkTimeoutMs = 1_800_000

/**
 * Carries out a plan of `planGrowDevice`, made with {@link growTarget}. What has to be mounted for it is mounted first, so that a damaged file system is
 * noticed before anything is changed, and never stays mounted. `BLOCK_GROW_FAILED`, `BLOCK_UNMOUNT_FAILED`, and as `mountGuest`.
 */
export async function growDevice({ toolHost }: BlockSession, plan: GrowPlan): Promise<void> {
  const isMounted = (step: GrowStep): step is MountedStep => step.kind === 'filesystem' && 'target' in step
  const filesystem = plan.steps.find(isMounted)
  if (filesystem === undefined) return applyGrow(toolHost, plan)

  const below = { ...plan, steps: plan.steps.filter((step) => step !== filesystem) }
  const resize = () => applyGrow(toolHost, { ...plan, steps: [filesystem] })
  const unmountable = await mountFilesystem(toolHost, { filesystem, target: growTarget, ...toWrite }).catch((error: unknown) => error)
  if (unmountable !== undefined) {
    await removeTarget(toolHost)
    if (!mayGrowOffline(filesystem, unmountable)) throw unmountable
    await check(toolHost, filesystem, unmountable)
    await applyGrow(toolHost, below)
    return resize()
  }
  const refusal = await mounted(toolHost, async () => {
    await applyGrow(toolHost, below)
    const refused = await resize().catch((error: unknown) => error)
    if (refused === undefined) await toolHost.fs.syncfs(growTarget)
    return refused
  })
  if (refusal === undefined) return
  if (!mayGrowOffline(filesystem, refusal)) throw refusal
  await check(toolHost, filesystem, refusal)
  await resize()
}

/**
 * The slow way of ext, unmounted and after a check of the whole file system. It is for what the kernel refuses: one with errors, one without
 * `resize_inode`, one with quotas where the kernel has none, and all in a container that lacks CAP_SYS_RESOURCE.
 */
function mayGrowOffline({ type }: MountedStep, error: unknown): boolean {
  const codes = ['BLOCK_GROW_FAILED', 'BLOCK_MOUNT_FAILED', 'BLOCK_FILESYSTEM_UNSUPPORTED']
  return type.startsWith('ext') && DeployError.isInstance(error) && codes.includes(error.code)
}

async function mounted<T>(toolHost: ToolHost, work: () => Promise<T>): Promise<T> {
  let result: T
  try {
    result = await work()
  } catch (error) {
    await putAway(toolHost)
    throw error
  }
  const busy = await putAway(toolHost)
  if (busy !== undefined) throw new BlockError('BLOCK_UNMOUNT_FAILED', `What was mounted to grow could not be unmounted: ${busy}`)
  return result
}

async function putAway(toolHost: ToolHost): Promise<string | undefined> {
  const busy = await unmountAll(toolHost, [growTarget])
  await removeTarget(toolHost)
  return busy
}

/** It is ours, and empty; under a mount that stayed it cannot be removed. */
const removeTarget = (toolHost: ToolHost) => toolHost.fs.rmdir(growTarget).catch(() => undefined)

/** What resize2fs(8) insists on. Mends what can be mended without a question. */
async function check(toolHost: ToolHost, { device, type }: MountedStep, refusal: unknown): Promise<void> {
  const { exitCode, stderr, stdout } = await toolHost.exec(['e2fsck', '-f', '-p', device], { timeoutMs: checkTimeoutMs })
  // e2fsck(8): 1 is "errors corrected", from 4 on something is left.
  if (exitCode !== null && exitCode < 4) return
  const said = new TextDecoder()
    .decode(Buffer.concat([stdout, stderr]))
    .replaceAll(/\s+/g, ' ')
    .trim()
  throw new BlockError('BLOCK_GROW_FAILED', `${device} cannot be enlarged, it is damaged: ${printable(said)}`, {
    hint: 'Repair a copy with e2fsck, then grow it again.',
    context: { device, type, exitCode },
    cause: refusal,
  })
}
