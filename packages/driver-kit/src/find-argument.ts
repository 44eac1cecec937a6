import { readdir, readFile } from 'node:fs/promises'
import { identifyProcess, type ProcessIdentity } from './process-identity.ts'

/** The arguments of a process, as it was started; empty when it is gone. */
export async function argumentsOf(pid: number): Promise<string[]> {
  const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return line === '' ? [] : line.split('\0')
}

/** Processes of this machine that were started with exactly this argument. */
export async function processesWithArgument(argument: string): Promise<ProcessIdentity[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const found = await Promise.all(
    pids.map(async (pid) => {
      const before = await identifyProcess(pid)
      return before !== undefined && (await argumentsOf(pid)).includes(argument) ? [before] : []
    }),
  )
  return found.flat()
}
