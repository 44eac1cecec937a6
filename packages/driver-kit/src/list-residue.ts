import type { Diagnostic, HostPath } from '@host-deployer/driver-api'
import { listLeases } from './lease-journal.ts'

/**
 * What `reclaim` would look at, without touching it: `LEASE_QUARANTINED` for what an owner could not release, `LEASE_ORPHANED` for what a killed one left,
 * `LEASE_UNREADABLE` for a note that nothing can be made of.
 */
export async function listResidue(directory: HostPath): Promise<Diagnostic[]> {
  return (await listLeases(directory)).flatMap(({ path, record, state }): Diagnostic[] => {
    if (state === 'unreadable') {
      return [{ severity: 'warning', code: 'LEASE_UNREADABLE', summary: 'A lease cannot be read, and nothing tells whose it is', path }]
    }
    if (record === undefined || state === 'held') return []
    const { lease, quarantined } = record
    const what = JSON.stringify(lease.details)
    if (quarantined === undefined) {
      return [{ severity: 'warning', code: 'LEASE_ORPHANED', summary: `A killed process left a ${lease.kind}`, detail: what, path }]
    }
    return [
      {
        severity: 'error',
        code: 'LEASE_QUARANTINED',
        summary: `A ${lease.kind} could not be released: ${quarantined}`,
        detail: what,
        path,
      },
    ]
  })
}
