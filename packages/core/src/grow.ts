import type { GrowReport } from '@host-deployer/api'
import type { GrowPlan, Storage } from '@host-deployer/block'
import { BlockError, DeployError, type ToolPath } from '@host-deployer/driver-api'
import { grownReport } from './grown-report.ts'
import { holding } from './holding.ts'
import type { GuestTarget } from './open-guest.ts'
import { createPhases, type PhaseEvent, type Phases } from './phases.ts'
import { prefixed } from './probe.ts'
import { reportVersion } from './report-version.ts'
import { type WorkSession, withSession } from './with-session.ts'

/** `rootDevice` is what grows, whatever it holds. Absent: see {@link grow}. */
export interface GrowOptions<Options> extends GuestTarget<Options> {
  /** Monotonic milliseconds, `performance.now`. */
  readonly clock: () => number
  readonly onPhase?: ((event: PhaseEvent) => void) | undefined
}

/**
 * Lets what is on a disk fill a disk that has become larger. That is the last partition by position, or what is on the whole disk; in LVM the volume the
 * guest's root is on, or the only one; and the file system or swap area there. An operating system is not needed.
 *
 * Nothing to grow is a success: the image stays byte for byte as it is then, and a finding says why when space is left (`GROW_NOT_LAST`,
 * `GROW_UNSUPPORTED`, `GROW_MBR_LIMIT`). Rejects with `DeployError`: `BLOCK_GROW_AMBIGUOUS` (several logical volumes, and none holds a root),
 * `BLOCK_GROW_FAILED` (the disk is valid, and the same call again does the rest), and what scanning and mounting reject with.
 */
export async function grow<Options>(options: GrowOptions<Options>): Promise<GrowReport> {
  const { driver, context, image, rootDevice } = options
  const phases = createPhases({ ...options, signal: context.signal })
  return withSession(options, 'read-write', phases, async (session): Promise<GrowReport> => {
    const { chooseGrowTarget, releaseStorage, scanStorage } = await import('@host-deployer/block')
    const storage = await phases.run('scan', () => scanStorage(session.toolHost, session.disks, session.capabilities))
    const active = { [Symbol.asyncDispose]: () => releaseStorage(session.toolHost, storage) }
    const done = await holding(active, async (): Promise<GrowPlan> => {
      const target = chooseGrowTarget(storage, rootDevice)
      if (target.kind === 'device') return growUnmounted(session, storage, target.device, phases)
      if (target.kind === 'root') return growRoot(session, storage, target.volumes, phases)
      return { steps: [], diagnostics: target.diagnostics }
    })
    await phases.run('close', () => session.close())
    return {
      schemaVersion: reportVersion,
      driver: driver.name,
      accelerator: session.info.accelerator,
      image: { path: image.path, format: image.format, virtualSizeBytes: image.virtualSizeBytes },
      changed: done.steps.length > 0,
      steps: done.steps.map(grownReport),
      diagnostics: [...session.diagnostics, ...storage.diagnostics, ...done.diagnostics],
      timings: { ...prefixed('open', session.info.timings), ...phases.timings },
    }
  })
}

async function growUnmounted(session: WorkSession, storage: Storage, device: ToolPath, phases: Phases): Promise<GrowPlan> {
  const { growDevice, growTarget, planGrowDevice } = await import('@host-deployer/block')
  const plan = await phases.run('diff', () => planGrowDevice(session.toolHost, storage, device, growTarget))
  if (plan.steps.length > 0) await phases.run('commit', () => growDevice(session, plan))
  return plan
}

/** As a deploy does it, for want of another way to choose among the volumes. */
async function growRoot(session: WorkSession, storage: Storage, volumes: readonly string[], phases: Phases): Promise<GrowPlan> {
  const { applyGrow, mountGuest, planGrow } = await import('@host-deployer/block')
  const mounted = await phases.run('mount', () => mountGuest(session, storage)).catch(ambiguous(volumes))
  return holding(mounted, async () => {
    if (!volumes.includes(mounted.rootDevice)) return ambiguous(volumes)(undefined)
    const plan = await phases.run('diff', () => planGrow(session.toolHost, storage, mounted, { partition: true, filesystem: true }))
    if (plan.steps.length > 0) {
      await phases.run('commit', async () => {
        await mounted.remountReadWrite()
        await applyGrow(session.toolHost, plan)
      })
    }
    await phases.run('unmount', () => mounted.unmount())
    const noticed = mounted.diagnostics.filter((diagnostic) => !storage.diagnostics.includes(diagnostic))
    return { steps: plan.steps, diagnostics: [...noticed, ...plan.diagnostics] }
  })
}

const rootless = new Set(['BLOCK_NO_ROOT', 'BLOCK_ROOT_AMBIGUOUS'])

const ambiguous =
  (volumes: readonly string[]) =>
  (cause: unknown): never => {
    if (cause !== undefined && !(DeployError.isInstance(cause) && rootless.has(cause.code))) throw cause
    throw new BlockError(
      'BLOCK_GROW_AMBIGUOUS',
      `There are several logical volumes, and the root is on none of them: ${volumes.join(', ')}`,
      {
        hint: `Nothing was changed. Say which one is to grow: --root-device ${volumes[0] ?? 'DEVICE'}.`,
        context: { volumes },
        cause,
      },
    )
  }
