import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { HostPath, Lease, LeaseJournal } from '@host-deployer/driver-api'
import { currentBootId, identifyProcess, isRunning, type ProcessIdentity } from './process-identity.ts'

/** A lease as it lies on disk, with the process that wrote it. */
export interface LeaseRecord {
  readonly owner: ProcessIdentity
  readonly lease: Lease
  /** Why its owner could not release it. */
  readonly quarantined?: string
}

/** An entry of a journal. */
export interface LeaseEntry {
  readonly path: string
  /** `undefined`: it cannot be read. Where its state is `held` its writer is about to write it, where `orphaned` it was killed before: it holds nothing yet. */
  readonly record: LeaseRecord | undefined
  /** `held` by a process that runs, `orphaned` by one that does not, `quarantined` by either; `unreadable` when nothing tells. */
  readonly state: 'held' | 'orphaned' | 'quarantined' | 'unreadable'
}

/** Whatever kills this process, the file is there. It need not survive the machine, which takes with it all that leases are about. */
const write = (path: string, text: string): Promise<void> => writeFile(path, text, { flag: 'wx', mode: 0o600 })

// Its writer is in the name, too: as long as nothing is in the file nothing else tells.
const nameFor = ({ pid, startTicks }: ProcessIdentity): string => `${pid}-${startTicks}-${randomUUID()}.json`

async function stateOfEmpty(path: string): Promise<LeaseEntry['state']> {
  const [, pid, startTicks] = /^(\d+)-(\d+)-/.exec(basename(path)) ?? []
  if (pid === undefined) return 'unreadable'
  return (await isRunning({ pid: Number(pid), startTicks: Number(startTicks), bootId: await currentBootId() })) ? 'held' : 'orphaned'
}

/** A journal of one file per lease in `directory`, which is created (0700) when it is missing. Several processes may share it. */
export function createFileLeaseJournal(directory: HostPath): LeaseJournal {
  return {
    async record(lease) {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      const owner = await identifyProcess(process.pid)
      if (owner === undefined) throw new Error('This process is not in /proc')
      const path = join(directory, nameFor(owner))
      await write(path, JSON.stringify({ owner, lease } satisfies LeaseRecord))
      const strike = (): Promise<void> => rm(path, { force: true })
      return Object.assign(strike, {
        async quarantine(reason: string): Promise<void> {
          const written = `${path}.new`
          await write(written, JSON.stringify({ owner, lease, quarantined: reason } satisfies LeaseRecord))
          await rename(written, path)
        },
      })
    },
  }
}

async function readEntry(path: string): Promise<LeaseEntry[]> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  if (text === '') return [{ path, record: undefined, state: await stateOfEmpty(path) }]
  try {
    const record = JSON.parse(text) as LeaseRecord
    const running = await isRunning(record.owner)
    return [{ path, record, state: record.quarantined !== undefined ? 'quarantined' : running ? 'held' : 'orphaned' }]
  } catch {
    return [{ path, record: undefined, state: 'unreadable' }]
  }
}

/** Everything in the journal in `directory`; nothing when there is none. Changes nothing. */
export async function listLeases(directory: HostPath): Promise<LeaseEntry[]> {
  let names: string[]
  try {
    names = (await readdir(directory)).filter((name) => name.endsWith('.json'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  return (await Promise.all(names.map((name) => readEntry(join(directory, name))))).flat()
}
