import { readdir, readlink } from 'node:fs/promises'
import { identifyProcess, type ProcessIdentity } from './process-identity.ts'

/** The name of a process's process namespace, `pid:[4026532201]`; `undefined` when the process is gone. */
export async function processNamespaceOf(pid: number): Promise<string | undefined> {
  return readlink(`/proc/${pid}/ns/pid`).catch(() => undefined)
}

// PROC_PID_INIT_INO of include/linux/proc_ns.h.
const FIRST_NAMESPACE = `pid:[${0xeffffffc}]`

/** Whether this process is in the machine's first process namespace, so that it sees every process by the number the kernel itself calls it by. */
export async function isFirstProcessNamespace(): Promise<boolean> {
  return (await readlink('/proc/self/ns/pid').catch(() => '')) === FIRST_NAMESPACE
}

/** The processes of a process namespace, by their numbers here. */
export async function membersOf(namespace: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const found = await Promise.all(pids.map(async (pid) => ((await processNamespaceOf(pid)) === namespace ? [pid] : [])))
  return found.flat()
}

/**
 * Whether a process of the namespace besides its first one still runs. One that has ended and was not waited for does not: it holds nothing, though it
 * keeps the first one from ending.
 */
export async function hasOthers(namespace: string, init: ProcessIdentity): Promise<boolean> {
  const others = (await membersOf(namespace)).filter((pid) => pid !== init.pid)
  return (await Promise.all(others.map(identifyProcess))).some((identity) => identity !== undefined)
}
