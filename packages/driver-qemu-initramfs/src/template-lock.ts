import { readFile, rm, writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
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
  try {
    await writeFile(path, JSON.stringify(await identifyProcess(process.pid)), { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/**
 * Becomes the one who builds, if need be after the one who does is done; resolves with the way to let others in. A holder that has died is replaced. Two
 * builders in the rare race for a dead one's place do no harm: a template is put in place as a whole.
 */
export async function lockTemplate(path: string, signal: AbortSignal | undefined): Promise<() => Promise<void>> {
  let unreadable = 0
  while (!(await take(path))) {
    if (signal?.aborted === true) throw aborted(signal, 'waiting for the template')
    await delay(POLL_MS)
    const holder = await holderOf(path)
    // Between its creation and its first byte a lock has no holder yet.
    unreadable = holder === undefined ? unreadable + 1 : 0
    if (holder === undefined ? unreadable >= 3 : !(await isRunning(holder))) await rm(path, { force: true })
  }
  return () => rm(path, { force: true })
}

/** Whether a process that runs has this lock. */
export async function isLocked(path: string): Promise<boolean> {
  const holder = await holderOf(path)
  return holder !== undefined && (await isRunning(holder))
}

/** Waits until nobody has the lock. `ABORTED`. */
export async function unlocked(path: string, signal: AbortSignal | undefined): Promise<void> {
  while (await isLocked(path)) {
    if (signal?.aborted === true) throw aborted(signal, 'waiting for the template')
    await delay(POLL_MS)
  }
}
