import { readdirSync, readFileSync } from 'node:fs'

/** Its state and its parent's number; `undefined` when it has ended. */
function look(pid: string | number): readonly [string, number] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // After the name in parentheses: state, parent (proc(5)).
    const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return [state, Number(parent)]
  } catch {
    return undefined
  }
}

function parents(): Map<number, number> {
  const found = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    const [, parent] = (/^\d+$/.test(name) && look(name)) || []
    if (parent !== undefined) found.set(Number(name), parent)
  }
  return found
}

function descendantsOf(pid: number): number[] {
  const parentOf = parents()
  const tree = [pid]
  for (const member of tree) for (const [child, parent] of parentOf) if (parent === member) tree.push(child)
  return tree.slice(1)
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    // ESRCH: it ended in this very moment. EPERM: it has become another user, whose it is to end.
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ESRCH' && code !== 'EPERM') throw error
  }
}

// Where no processor is free for it; it is there at once otherwise.
const MAX_NAPS = 2_000

/** Stops a process, and blocks until it is. */
function stopNow(pid: number): void {
  signal(pid, 'SIGSTOP')
  const nap = new Int32Array(new SharedArrayBuffer(4))
  for (let naps = 0; naps < MAX_NAPS && /[^TtZX]/.test(look(pid)?.[0] ?? 'X'); naps += 1) Atomics.wait(nap, 0, 0, 1)
}

// What forks faster than we look is not to keep us for ever.
const MAX_ROUNDS = 20

/** Stops every descendant, looking again until there is no new one: each may have forked before it was stopped. */
function stopBelow(pid: number): ReadonlySet<number> {
  const stopped = new Set<number>()
  for (let round = 0, found = -1; round < MAX_ROUNDS && found !== stopped.size; round += 1) {
    found = stopped.size
    for (const member of descendantsOf(pid)) {
      if (!stopped.has(member)) signal(member, 'SIGSTOP')
      stopped.add(member)
    }
  }
  return stopped
}

/**
 * SIGKILL to the process group that `pid` leads and to every descendant of it, those that left the group included. A descendant whose parent has
 * ended before is nobody's any more, and out of reach here.
 */
export function killTree(pid: number): void {
  signal(-pid, 'SIGSTOP')
  for (const member of stopBelow(pid)) signal(member, 'SIGKILL')
  signal(-pid, 'SIGKILL')
}

/**
 * A signal to the program that `pid`, an nsenter(1), waits for, and to everything it has started: to all but `pid` itself, which lives on to see its child
 * end. Were it to die first, the child would be left to the machine's first process, and stay in its namespace until that looks.
 */
export function signalBelow(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  // Stopped, it starts nothing any more; without a child it never will. Were it to see its child stopped, it would stop itself when it is to go on.
  stopNow(pid)
  // To be killed they are all stopped first: what the child of one that is killed has started is no descendant any more, and would be missed.
  const below = name === 'SIGKILL' ? stopBelow(pid) : descendantsOf(pid)
  for (const member of below) signal(member, name)
  if ([...below].length === 0) signal(pid, 'SIGKILL')
  signal(pid, 'SIGCONT')
}
