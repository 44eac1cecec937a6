import { readdir, readFile, readlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { HostPath } from '@host-deployer/driver-api'
import { attachedNbd } from './attached-nbd.ts'
import { mountsAbout } from './mounts-about.ts'

const quiet = <T>(action: Promise<T>, otherwise: T): Promise<T> => action.catch(() => otherwise)

async function processIds(): Promise<string[]> {
  return (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
}

// A process that ended, or is another user's, holds nothing we could see.
async function descriptorsOf(pid: string): Promise<string[]> {
  const numbers = await quiet(readdir(`/proc/${pid}/fd`), [])
  return Promise.all(numbers.map((number) => quiet(readlink(`/proc/${pid}/fd/${number}`), '')))
}

/** Processes other than this one that hold a file below `directory` open: `pid path`. Zombies hold nothing. */
export async function processesHolding(directory: string): Promise<string[]> {
  const pids = (await processIds()).filter((pid) => pid !== String(process.pid))
  const found = await Promise.all(
    pids.map(async (pid) => (await descriptorsOf(pid)).filter((path) => path.startsWith(`${directory}/`)).map((path) => `${pid} ${path}`)),
  )
  return found.flat()
}

/** Processes other than this one whose working directory or command line is about `directory`. */
async function processesAbout(directory: string): Promise<string[]> {
  const pids = (await processIds()).filter((pid) => pid !== String(process.pid))
  const found = await Promise.all(
    pids.map(async (pid) => {
      const commandLine = (await quiet(readFile(`/proc/${pid}/cmdline`, 'utf8'), '')).replaceAll('\0', ' ').trim()
      const at = await quiet(readlink(`/proc/${pid}/cwd`), '')
      return commandLine.includes(`${directory}/`) || at.startsWith(`${directory}/`) ? [`${pid} ${commandLine.slice(0, 200)}`] : []
    }),
  )
  return found.flat()
}

/** Every path below `directory`, relative to it, sorted. */
export async function listTree(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries.map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1)).sort()
}

const linesAbout = (text: string, directory: string): string[] => text.split('\n').filter((line) => line.includes(`${directory}/`))

/** The files behind loop devices, `loopN path`. */
async function loopFiles(): Promise<string[]> {
  const names = (await quiet(readdir('/sys/block'), [])).filter((name) => name.startsWith('loop'))
  return Promise.all(
    names.map(async (name) => `${name} ${(await quiet(readFile(`/sys/block/${name}/loop/backing_file`, 'utf8'), '')).trim()}`),
  )
}

/** A word that names made in a test bed carry, so that what is left of them can be told from what others have: letters and digits. */
export const tagOf = (directory: string): string => basename(dirname(directory)).replaceAll(/[^A-Za-z0-9]/g, '')

async function mappedDevices(): Promise<string[]> {
  const names = (await quiet(readdir('/sys/block'), [])).filter((name) => name.startsWith('dm-'))
  return Promise.all(names.map(async (name) => (await quiet(readFile(`/sys/block/${name}/dm/name`, 'utf8'), '')).trim()))
}

/** What {@link findResidue} goes by, beside the directory. */
export interface ResidueInput {
  /** Directories that should have nothing in them. */
  readonly emptied: readonly HostPath[]
  /** The nbd devices that were attached before: they say nothing of where their bytes come from. */
  readonly nbdBefore: ReadonlyMap<string, string>
  /** Where sysfs shows block devices. Default: where it does. */
  readonly sysBlock?: string
}

/** nbd devices attached since, but those of a process that runs and is somebody else's: of `ours`, or of one that has ended. */
async function leftNbd({ nbdBefore, sysBlock }: ResidueInput, ours: ReadonlySet<string>): Promise<string[]> {
  const running = new Set(await processIds())
  const since = [...(await attachedNbd(sysBlock))].filter(([name, pid]) => nbdBefore.get(name) !== pid)
  return since.filter(([, pid]) => ours.has(pid) || !running.has(pid)).map(([name, pid]) => `${name} ${pid}`)
}

/**
 * What on this machine still has to do with `directory`: processes, descriptors of this process, mounts in any namespace, loop, mapped and nbd devices,
 * sockets; and every path in the `emptied` directories. One line each, empty when there is nothing.
 */
export async function findResidue(directory: string, input: ResidueInput): Promise<string[]> {
  const { emptied } = input
  const [holding, about, own, mounts, sockets, loops, mapped, ...trees] = await Promise.all([
    processesHolding(directory),
    processesAbout(directory),
    descriptorsOf('self'),
    mountsAbout(directory),
    quiet(readFile('/proc/net/unix', 'utf8'), ''),
    loopFiles(),
    mappedDevices(),
    ...emptied.map((path) => quiet(listTree(path), [])),
  ])
  const nbd = await leftNbd(input, new Set([...holding, ...about].map((line) => line.split(' ', 1)[0] ?? '')))
  const labelled = (label: string, lines: readonly string[]): string[] => lines.map((line) => `${label}: ${line}`)
  return [
    ...labelled('process with an open file', holding),
    ...labelled('process', about),
    ...labelled(
      'descriptor',
      own.filter((path) => path.startsWith(`${directory}/`)),
    ),
    ...labelled('mount', mounts),
    ...labelled('socket', linesAbout(sockets, directory)),
    ...labelled('loop device', linesAbout(loops.join('\n'), directory)),
    ...labelled(
      'mapped device',
      mapped.filter((name) => name.includes(tagOf(directory))),
    ),
    ...labelled('nbd device', nbd),
    ...trees.flatMap((tree, index) => labelled(`left in ${emptied[index]}`, tree)),
  ]
}

/** What this process holds, by kind, to be compared before and after. */
export interface Holdings {
  /** Open descriptors by what they refer to, with numbers of anonymous ones taken off: `pipe`, `socket`, paths. Sorted. */
  readonly descriptors: readonly string[]
  /** Processes that descend from this one, zombies not counted, `pid name`. */
  readonly processes: readonly string[]
}

async function descendants(): Promise<string[]> {
  const rows = await Promise.all(
    (await processIds()).map(async (pid) => {
      const text = await quiet(readFile(`/proc/${pid}/stat`, 'utf8'), '')
      // The second field is the name in parentheses, which may hold spaces and parentheses itself (proc(5)).
      const [state = 'X', parent = ''] = text.slice(text.lastIndexOf(')') + 2).split(' ')
      return { pid, parent, state, name: text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')) }
    }),
  )
  const found: string[] = []
  const parents = [String(process.pid)]
  for (let parent = parents.pop(); parent !== undefined; parent = parents.pop()) {
    for (const row of rows.filter((candidate) => candidate.parent === parent && !/[ZX]/.test(candidate.state))) {
      found.push(`${row.pid} ${row.name}`)
      parents.push(row.pid)
    }
  }
  return found.sort()
}

/** Looks at what this process holds now. */
export async function lookAtHoldings(): Promise<Holdings> {
  // One after the other: looking for processes opens descriptors itself.
  const processes = await descendants()
  const descriptors = await descriptorsOf('self')
  return {
    // The one that lists is gone by the time its link is read.
    descriptors: descriptors
      .filter((path) => path !== '')
      .map((path) => path.replace(/:\[\d+\]$/, ''))
      .sort(),
    processes,
  }
}
