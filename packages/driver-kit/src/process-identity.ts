import { readFile, readlink } from 'node:fs/promises'

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number
  /** Ticks since the machine's boot, field 22 of `/proc/PID/stat` (proc(5)). */
  readonly startTicks: number
  /** `/proc/sys/kernel/random/boot_id` of the boot the ticks count from. */
  readonly bootId: string
}

/** The id of this boot of the machine. */
export async function currentBootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
}

/**
 * Identifies a running process; `undefined` when there is none, or only its remains (a zombie) are left. A process whose first thread has ended and whose
 * others have not looks like one, and still has its files open.
 */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  let stat: string
  try {
    stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined
  }
  // The second field is the name in parentheses, which may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const threads = Number(fields[17])
  if (fields[0] === 'X' || (fields[0] === 'Z' && threads <= 1)) return undefined
  return { pid, startTicks: Number(fields[19]), bootId: await currentBootId() }
}

/** Whether exactly this process still runs. */
export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  const found = await identifyProcess(identity.pid)
  return found !== undefined && found.startTicks === identity.startTicks && found.bootId === identity.bootId
}

/**
 * Whether a process has ended as far as anybody else is concerned: files, mounts and memory are gone. The first process of a process namespace may stay a
 * while after that, until the machine's first process has taken note of the others (pid_namespaces(7)).
 */
export async function hasLetGo(identity: ProcessIdentity): Promise<boolean> {
  if (!(await isRunning(identity))) return true
  try {
    // The kernel gives up a process's namespaces last of all that it holds.
    await readlink(`/proc/${identity.pid}/ns/mnt`)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
  }
}
