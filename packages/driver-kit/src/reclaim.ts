import { rm } from 'node:fs/promises'
import type { Diagnostic, HostPath, Lease } from '@host-deployer/driver-api'
import { freeLease } from './free-lease.ts'
import { unblockNbdDevice } from './free-nbd-device.ts'
import { type LeaseEntry, listLeases } from './lease-journal.ts'

// Processes first: they may still use the rest. Then what is mounted or attached, the directories last.
const order: readonly Lease['kind'][] = ['process', 'mount', 'loop-device', 'nbd-device', 'socket', 'file', 'directory']

export interface ReclaimOptions {
  /** Frees what is of another driver's making: asked when nothing here knows the lease. `false`: it does not know either. */
  readonly freeOther?: (lease: Lease) => Promise<boolean>
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

async function reclaimOne({ path, record, state }: LeaseEntry, options: ReclaimOptions): Promise<Diagnostic> {
  if (record === undefined && state === 'orphaned') {
    await rm(path, { force: true })
    const summary = 'Struck out a lease that its writer was killed over: it held nothing yet'
    return { severity: 'info', code: 'LEASE_FREED', summary, path }
  }
  if (record === undefined) {
    const summary = 'A lease cannot be read, and nothing tells whose it is'
    return { severity: 'warning', code: 'LEASE_UNREADABLE', summary, path }
  }
  const { lease, quarantined } = record
  const detail = JSON.stringify(lease.details)
  try {
    const freed = (await freeLease(lease)) || (await options.freeOther?.(lease)) === true
    if (!freed) {
      return { severity: 'warning', code: 'LEASE_NOT_FREED', summary: `Nothing here knows how to free a ${lease.kind}`, detail, path }
    }
    await rm(path, { force: true })
    const origin = quarantined === undefined ? 'left by a process that is gone' : 'that was in quarantine'
    return { severity: 'info', code: 'LEASE_FREED', summary: `Freed a ${lease.kind} ${origin}`, detail, path }
  } catch (error) {
    const why = `${detail}: ${messageOf(error)}`
    return { severity: 'error', code: 'LEASE_NOT_FREED', summary: `Could not free a ${lease.kind}`, detail: why, path }
  }
}

/**
 * Frees what processes that no longer run have left according to the journal in `directory`, and what running ones could not release (quarantine), and
 * strikes it out. What running processes hold is left alone, and so is whatever is in no lease. Never rejects for a single lease: what could not be freed
 * stays in the journal and comes back as a diagnostic (`LEASE_NOT_FREED`, `LEASE_UNREADABLE`); what was freed as `LEASE_FREED`. May be called by several
 * processes at once, and while sessions are open.
 */
export async function reclaim(directory: HostPath, options: ReclaimOptions = {}): Promise<Diagnostic[]> {
  const entries = (await listLeases(directory)).filter(({ state }) => state !== 'held')
  const rank = ({ record }: LeaseEntry): number => (record === undefined ? -1 : order.indexOf(record.lease.kind))
  await Promise.all(
    entries.map(async ({ record }) => record?.lease.kind === 'nbd-device' && (await unblockNbdDevice(record.lease.details))),
  )
  const diagnostics: Diagnostic[] = []
  for (const entry of entries.sort((a, b) => rank(a) - rank(b))) diagnostics.push(await reclaimOne(entry, options))
  return diagnostics
}
