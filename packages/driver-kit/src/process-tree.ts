import { readdirSync, readFileSync } from 'node:fs'

function parents(): Map<number, number> {
  const found = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      // After the name in parentheses: state, parent (proc(5)).
      found.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
    } catch {
      // It ended meanwhile.
    }
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

/**
 * SIGKILL to the process group that `pid` leads and to every descendant of it, those that left the group included. A descendant whose parent has
 * ended before is nobody's any more, and out of reach here.
 */
export function killTree(pid: number): void {
  signal(-pid, 'SIGSTOP')
  // Stopped, nothing of the group can fork; what has left it may still, so it is looked at twice.
  const seen = new Set<number>()
  for (let round = 0; round < 2; round += 1) {
    for (const member of descendantsOf(pid)) {
      if (!seen.has(member)) signal(member, 'SIGSTOP')
      seen.add(member)
    }
  }
  for (const member of seen) signal(member, 'SIGKILL')
  signal(-pid, 'SIGKILL')
}
