import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Diagnostic, HostPath, Lease, LeaseJournal } from '@host-deployer/driver-api'
import { identifyProcess, isRunning, type ProcessIdentity } from './process-identity.ts'

/** A lease as it lies on disk, with the process that wrote it. */
interface LeaseRecord {
  readonly owner: ProcessIdentity
  readonly lease: Lease
}

async function writeDurably(path: string, text: string): Promise<void> {
  const handle = await open(path, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.datasync()
  } finally {
    await handle.close()
  }
}

/** A journal of one file per lease in `directory`, which is created (0700) when it is missing. Several processes may share it. */
export function createFileLeaseJournal(directory: HostPath): LeaseJournal {
  return {
    async record(lease) {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      const owner = await identifyProcess(process.pid)
      if (owner === undefined) throw new Error('This process is not in /proc')
      const path = join(directory, `${randomUUID()}.json`)
      await writeDurably(path, JSON.stringify({ owner, lease } satisfies LeaseRecord))
      return () => rm(path, { force: true })
    },
  }
}

function processOf(lease: Lease): ProcessIdentity | undefined {
  const { pid, startTicks, bootId } = lease.details
  if (typeof pid !== 'number' || typeof startTicks !== 'number' || typeof bootId !== 'string') return undefined
  return { pid, startTicks, bootId }
}

/** Frees what one lease stands for. `false`: this function does not know how. */
async function free(lease: Lease): Promise<boolean> {
  if (lease.kind === 'process') {
    const identity = processOf(lease)
    // The number alone could be somebody else's by now.
    if (identity !== undefined && (await isRunning(identity))) process.kill(identity.pid, 'SIGKILL')
    return true
  }
  const path = lease.details['path']
  if (
    (lease.kind === 'directory' || lease.kind === 'file' || lease.kind === 'socket') &&
    typeof path === 'string' &&
    path.startsWith('/')
  ) {
    await rm(path, { recursive: lease.kind === 'directory', force: true })
    return true
  }
  return false
}

// Processes first: they may still use the rest. Then what is mounted or attached, the directories last.
const order: readonly Lease['kind'][] = ['process', 'mount', 'loop-device', 'nbd-device', 'socket', 'file', 'directory']

export interface ReclaimOptions {
  /** Frees kinds that only a driver knows (mounts, devices). `false`: it does not know either. */
  readonly freeOther?: (lease: Lease) => Promise<boolean>
}

/**
 * Frees what processes that no longer run have left according to the journal in `directory`, and strikes it out. Leases of running processes
 * are left alone. Never rejects for a single lease: what could not be freed stays in the journal and comes back as a diagnostic
 * (`LEASE_NOT_FREED`, `LEASE_UNREADABLE`); what was freed as `LEASE_FREED`.
 */
export async function reclaim(directory: HostPath, options: ReclaimOptions = {}): Promise<Diagnostic[]> {
  let names: string[]
  try {
    names = (await readdir(directory)).filter((name) => name.endsWith('.json'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  const diagnostics: Diagnostic[] = []
  const orphans: { readonly path: string; readonly lease: Lease }[] = []
  for (const name of names) {
    const path = join(directory, name)
    try {
      const record = JSON.parse(await readFile(path, 'utf8')) as LeaseRecord
      if (!(await isRunning(record.owner))) orphans.push({ path, lease: record.lease })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue
      // Its writer was killed between creating and writing it: it holds nothing yet, or still writes.
      diagnostics.push({ severity: 'warning', code: 'LEASE_UNREADABLE', summary: 'A lease cannot be read', detail: String(error), path })
    }
  }
  orphans.sort((a, b) => order.indexOf(a.lease.kind) - order.indexOf(b.lease.kind))
  for (const { path, lease } of orphans) {
    const detail = JSON.stringify(lease.details)
    try {
      const freed = (await free(lease)) || (await options.freeOther?.(lease)) === true
      if (freed) await rm(path, { force: true })
      diagnostics.push(
        freed
          ? { severity: 'info', code: 'LEASE_FREED', summary: `Freed a ${lease.kind} left by a process that is gone`, detail, path }
          : { severity: 'warning', code: 'LEASE_NOT_FREED', summary: `Nothing here knows how to free a ${lease.kind}`, detail, path },
      )
    } catch (error) {
      const why = `${detail}: ${String(error)}`
      diagnostics.push({ severity: 'error', code: 'LEASE_NOT_FREED', summary: `Could not free a ${lease.kind}`, detail: why, path })
    }
  }
  return diagnostics
}
