import { readdir, readlink } from 'node:fs/promises'
import { hasLetGo, identifyProcess } from './process-identity.ts'

/** The name of a process's process namespace, `pid:[4026532201]`; `undefined` when the process is gone. */
export async function processNamespaceOf(pid: number): Promise<string | undefined> {
  return readlink(`/proc/${pid}/ns/pid`).catch(() => undefined)
}

/** The processes of a process namespace, by their numbers here. */
export async function membersOf(namespace: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const found = await Promise.all(pids.map(async (pid) => ((await processNamespaceOf(pid)) === namespace ? [pid] : [])))
  return found.flat()
}

/** Whether any process of the namespace still holds anything. */
export async function hasMembers(namespace: string): Promise<boolean> {
  for (const pid of await membersOf(namespace)) {
    const identity = await identifyProcess(pid)
    if (identity !== undefined && !(await hasLetGo(identity))) return true
  }
  return false
}
