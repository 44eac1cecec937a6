import { readFile } from 'node:fs/promises'
import type { Lease } from '@host-deployer/driver-api'
import { processesWithArgument } from './find-argument.ts'
import { hasLetGo, identifyProcess, isRunning, type ProcessIdentity } from './process-identity.ts'
import { hasOthers, membersOf } from './process-namespace.ts'

/** What tells whether everything of a session's namespace has ended. */
export interface NamespaceParts {
  /** Its first process. */
  readonly init: ProcessIdentity
  /** As {@link import('./process-namespace.ts').processNamespaceOf} names it. */
  readonly namespace: string
  /** The process outside whose namespaces programs enter by. */
  readonly holder: ProcessIdentity
}

type Details = Lease['details']

/** The options of nsenter(1) that lead into the namespaces of a session. */
export const entranceOf = (holderPid: number): readonly [string, string] => [
  `--mount=/proc/${holderPid}/ns/mnt`,
  // unshare(1) itself stays in the old process namespace, hence pid_for_children; see namespaces(7).
  `--pid=/proc/${holderPid}/ns/pid_for_children`,
]

/** Details of a `process` lease. */
export const namespaceDetails = ({ init, namespace, holder }: NamespaceParts): Details => ({
  ...init,
  namespace,
  holderPid: holder.pid,
  holderStartTicks: holder.startTicks,
})

/** The reverse of {@link namespaceDetails}; `undefined` for details of something else. */
export function namespaceIn(init: ProcessIdentity, { namespace, holderPid, holderStartTicks }: Details): NamespaceParts | undefined {
  if (typeof namespace !== 'string' || typeof holderPid !== 'number' || typeof holderStartTicks !== 'number') return undefined
  return { init, namespace, holder: { pid: holderPid, startTicks: holderStartTicks, bootId: init.bootId } }
}

/**
 * Whether nothing of a namespace runs any more. Killed with its first process, the others end a moment later, with open files and locks until then; last
 * of all each nsenter that waits for one of them outside, and has the mounts of the session until it has been given a processor again.
 */
export async function hasEnded({ init, namespace, holder }: NamespaceParts): Promise<boolean> {
  // As long as the first process is there, even as good as gone, nobody else's namespace has this name.
  if (!(await hasLetGo(init)) || ((await isRunning(init)) && (await hasOthers(namespace, init)))) return false
  const now = await identifyProcess(holder.pid)
  // Another process with the holder's number may be the holder of another session.
  if (now !== undefined && now.startTicks !== holder.startTicks) return true
  return (await processesWithArgument(entranceOf(holder.pid)[0])).length === 0
}

/**
 * Lets each nsenter that waits outside for a program of the namespace go on. One that is stopped, by an owner that was killed while it ended a program (see
 * `signalBelow`), would never take note of that program's end, and the namespace would stay for ever.
 */
export async function wakeEntrants({ holder }: Pick<NamespaceParts, 'holder'>): Promise<void> {
  const now = await identifyProcess(holder.pid)
  if (now !== undefined && now.startTicks !== holder.startTicks) return
  for (const { pid } of await processesWithArgument(entranceOf(holder.pid)[0])) {
    try {
      process.kill(pid, 'SIGCONT')
    } catch {
      // It ended meanwhile.
    }
  }
}

/** Who keeps {@link hasEnded} from being true, for people: name, number, state and the kernel function it waits in, where the kernel tells (proc(5)). */
export async function whoIsLeft({ init, namespace, holder }: NamespaceParts): Promise<string[]> {
  const pids = new Set([...(await membersOf(namespace)), init.pid])
  for (const { pid } of await processesWithArgument(entranceOf(holder.pid)[0])) pids.add(pid)
  const read = (pid: number, name: string) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '')
  const told = await Promise.all(
    [...pids].map(async (pid) => {
      const [status, where] = await Promise.all([read(pid, 'status'), read(pid, 'wchan')])
      const field = (name: string) => new RegExp(`^${name}:\t(.*)$`, 'm').exec(status)?.[1] ?? ''
      return status === '' ? [] : [`${field('Name')} ${pid}, ${field('State')}${where === '' || where === '0' ? '' : `, in ${where}`}`]
    }),
  )
  return told.flat()
}
