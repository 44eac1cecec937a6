import { open, readFile, rm } from 'node:fs/promises'
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

/** Waits until nobody has the lock. `ABORTED`. */
export async function unlocked(path: string, signal: AbortSignal | undefined): Promise<void> {
  while (await isLocked(path)) {
    if (signal?.aborted === true) throw aborted(signal, 'waiting for the template')
    await delay(POLL_MS)
  }
}
