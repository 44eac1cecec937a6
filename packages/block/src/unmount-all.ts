import { setTimeout as delay } from 'node:timers/promises'
import type { ToolHost, ToolPath } from '@host-deployer/driver-api'
import { mountTimeoutMs } from './mount-filesystem.ts'
import { tryTool } from './run-tool.ts'

// A process that this one is just starting holds copies of all that is open here until it runs its program, files of a guest among them when they were
// being read at that moment, for another session maybe: fork(2), FD_CLOEXEC in fcntl(2). On a busy machine that takes a while.
const BUSY_FOR_MS = 5_000
const PAUSE_MS = 50

/** What umount(8) says, and busybox: the target is free already, or went with what it was mounted on. */
const NOT_MOUNTED = /not mounted|no mount point specified|invalid argument/i

/** Unmounts in the order given, in one command; what is busy is tried again for some seconds. Resolves with the reason when something stayed mounted. */
export async function unmountAll(toolHost: ToolHost, targets: readonly ToolPath[]): Promise<string | undefined> {
  const umount = (paths: readonly ToolPath[]) => tryTool(toolHost, ['umount', '--', ...paths], { timeoutMs: mountTimeoutMs })
  if (targets.length === 0) return undefined
  const first = await umount(targets)
  if (first.ok) return undefined
  const deadline = performance.now() + BUSY_FOR_MS
  let { reason } = first
  let left = targets
  while (/busy/i.test(reason) && performance.now() < deadline) {
    await delay(PAUSE_MS)
    const still: ToolPath[] = []
    const reasons: string[] = []
    for (const target of left) {
      const { ok, reason: why } = await umount([target])
      if (ok || NOT_MOUNTED.test(why)) continue
      still.push(target)
      reasons.push(why)
    }
    if (still.length === 0) return undefined
    left = still
    reason = reasons.join(' ')
  }
  return reason
}
