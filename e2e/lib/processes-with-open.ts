import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import { basename } from 'node:path'

export interface HoldingProcess {
  readonly pid: number
  /** Its arguments, joined by spaces; empty for one that has ended meanwhile. */
  readonly commandLine: string
}

/** Every process with a descriptor of this very file, whatever its path is called where the process lives: a container has paths of its own. */
export async function processesWithOpen(path: string): Promise<HoldingProcess[]> {
  const file = await stat(path)
  const isIt = async (descriptor: string): Promise<boolean> => {
    // Only what has its name is asked: to ask for any file there is would hang at those of a test's hanging storage.
    if (basename(await readlink(descriptor)) !== basename(path)) return false
    const { dev, ino } = await stat(descriptor)
    return dev === file.dev && ino === file.ino
  }
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found: HoldingProcess[] = []
  for (const pid of pids) {
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => [])
    const answers = await Promise.all(descriptors.map((fd) => isIt(`/proc/${pid}/fd/${fd}`).catch(() => false)))
    if (!answers.includes(true)) continue
    const commandLine = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0').join(' ').trim()
    found.push({ pid: Number(pid), commandLine })
  }
  return found
}
