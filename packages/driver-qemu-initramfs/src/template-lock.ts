import { open, readFile, rm, stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { DriverError } from '@host-deployer/driver-api'
import { aborted, identifyProcess, isRunning, type ProcessIdentity } from '@host-deployer/driver-kit'

const POLL_MS = 100

/** The lock of the one who builds the template with this directory. */
export const lockPathOf = ({ directory }: { readonly directory: string }): string => `${directory}.lock`

async function holderOf(path: string): Promise<ProcessIdentity | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as ProcessIdentity
  } catch {
    return undefined
  }
}

async function take(path: string): Promise<boolean> {
  const text = JSON.stringify(await identifyProcess(process.pid))
  const handle = await open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return undefined
    throw error
  })
  if (handle === undefined) return false
  try {
    await handle.writeFile(text)
    return true
  } catch (error) {
    // Empty, it would be nobody's.
    await rm(path, { force: true })
    throw error
  } finally {
    await handle.close()
  }
}

/**
 * Whether somebody who waits for this lock since `startedMs` (of `performance.now()`) has waited long enough, or its holder has had it for so long already:
 * who is alive may be stopped, and then whoever comes next need not find that out again.
 */
async function isOutOfPatience(path: string, startedMs: number, patienceMs: number): Promise<boolean> {
  if (performance.now() - startedMs >= patienceMs) return true
  const stats = await stat(path).catch(() => undefined)
  return stats !== undefined && Date.now() - stats.mtimeMs >= patienceMs
}

/**
 * Becomes the one who builds, if need be after the one who does is done; resolves with the way to let others in. A holder that has died is replaced. Two
 * builders in the rare race for a dead one's place do no harm: a template is put in place as a whole. `ABORTED`; `DRIVER_TEMPLATE_FAILED` when one who is
 * alive has it for longer than `patienceMs`.
 */
export async function lockTemplate(
  path: string,
  signal: AbortSignal | undefined,
  patienceMs = Number.POSITIVE_INFINITY,
): Promise<() => Promise<void>> {
  const startedMs = performance.now()
  let unreadable = 0
  while (!(await take(path))) {
    if (signal?.aborted === true) throw aborted(signal, 'waiting for the template')
    await delay(POLL_MS)
    const holder = await holderOf(path)
    // Between its creation and its first byte a lock has no holder yet.
    unreadable = holder === undefined ? unreadable + 1 : 0
    if (holder === undefined ? unreadable >= 3 : !(await isRunning(holder))) await rm(path, { force: true })
    else if (holder !== undefined && (await isOutOfPatience(path, startedMs, patienceMs))) {
      throw new DriverError('DRIVER_TEMPLATE_FAILED', `The process ${holder.pid} has been making the template for too long`, {
        hint: 'End that process if it hangs or is stopped; the driver option template: off does without.',
        context: { pid: holder.pid },
      })
    }
  }
  return () => rm(path, { force: true })
}

/** The same without waiting: `undefined` when a process that runs has it, or is just taking it. */
export async function tryLockTemplate(path: string): Promise<(() => Promise<void>) | undefined> {
  if (!(await take(path))) {
    const holder = await holderOf(path)
    if (holder === undefined || (await isRunning(holder))) return undefined
    await rm(path, { force: true })
    if (!(await take(path))) return undefined
  }
  return () => rm(path, { force: true })
}

/** Whether a process that runs has this lock. */
export async function isLocked(path: string): Promise<boolean> {
  const holder = await holderOf(path)
  return holder !== undefined && (await isRunning(holder))
}

/** Waits until nobody has the lock, or somebody who is alive has it for longer than `patienceMs`. `ABORTED`. */
export async function unlocked(path: string, signal: AbortSignal | undefined, patienceMs: number): Promise<void> {
  const startedMs = performance.now()
  while ((await isLocked(path)) && !(await isOutOfPatience(path, startedMs, patienceMs))) {
    if (signal?.aborted === true) throw aborted(signal, 'waiting for the template')
    await delay(POLL_MS)
  }
}
