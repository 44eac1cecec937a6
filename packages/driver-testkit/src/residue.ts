import { readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'

async function descriptorsOf(pid: string): Promise<string[]> {
  try {
    const numbers = await readdir(`/proc/${pid}/fd`)
    return await Promise.all(numbers.map((number) => readlink(`/proc/${pid}/fd/${number}`).catch(() => '')))
  } catch {
    // It ended, or is another user's.
    return []
  }
}

/** Processes other than this one that hold a file below `directory` open: `pid path`. Zombies hold nothing. */
export async function processesHolding(directory: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
  const found = await Promise.all(
    pids.map(async (pid) => (await descriptorsOf(pid)).filter((path) => path.startsWith(`${directory}/`)).map((path) => `${pid} ${path}`)),
  )
  return found.flat()
}

/** Every path below `directory`, relative to it, sorted. */
export async function listTree(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries.map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1)).sort()
}
