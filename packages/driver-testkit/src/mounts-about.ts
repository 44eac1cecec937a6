import { readdir, readFile, readlink } from 'node:fs/promises'

const namespaceOf = (pid: string): Promise<string> => readlink(`/proc/${pid}/ns/mnt`).catch(() => '')

/** One process of each mount namespace that there is, and others in their place, should they end. Ours is first. */
async function processesByNamespace(): Promise<ReadonlyMap<string, readonly string[]>> {
  const pids = ['self', ...(await readdir('/proc')).filter((name) => /^\d+$/.test(name))]
  const found = await Promise.all(pids.map(async (pid) => ({ pid, namespace: await namespaceOf(pid) })))
  const { '': _ended, ...namespaces } = Object.groupBy(found, ({ namespace }) => namespace)
  return new Map(Object.entries(namespaces).map(([namespace, members = []]) => [namespace, members.map(({ pid }) => pid)]))
}

async function mountinfo(pids: readonly string[]): Promise<{ readonly pid: string; readonly text: string }> {
  for (const pid of pids) {
    const text = await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => '')
    if (text !== '') return { pid, text }
  }
  return { pid: '', text: '' }
}

/**
 * The mounts that have to do with `directory`, in whatever mount namespace a process of this machine has: lines of mountinfo, with a process of the
 * namespace when that is not ours.
 */
export async function mountsAbout(directory: string): Promise<string[]> {
  const namespaces = await processesByNamespace()
  const found = await Promise.all(
    [...namespaces.values()].map(async (pids) => {
      const { pid, text } = await mountinfo(pids)
      const lines = text.split('\n').filter((line) => line.includes(`${directory}/`))
      return lines.map((line) => (pid === 'self' ? line : `${line} (in the namespace of process ${pid})`))
    }),
  )
  return found.flat()
}
