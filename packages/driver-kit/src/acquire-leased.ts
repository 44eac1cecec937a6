import type { Lease, LeaseJournal } from '@host-deployer/driver-api'
import type { ResourceStack } from './resource-stack.ts'

export interface LeasedResource<T> {
  /** Names it in errors. */
  readonly what: string
  readonly lease: Lease
  /** Leaves nothing behind when it rejects. */
  acquire(): Promise<T>
  /** Resolves when it is truly released. */
  release(resource: T): Promise<void>
}

/**
 * Writes the lease down, acquires, and registers the release with `stack`. Once released the lease is struck out; what cannot be released stays in the
 * journal, marked as quarantined, for the next reclaim to try again.
 */
export async function acquireLeased<T>(leases: LeaseJournal, stack: ResourceStack, wanted: LeasedResource<T>): Promise<T> {
  const held = await leases.record(wanted.lease)
  let resource: T
  try {
    resource = await wanted.acquire()
  } catch (error) {
    await held()
    throw error
  }
  stack.defer(wanted.what, async () => {
    try {
      await wanted.release(resource)
    } catch (error) {
      await held.quarantine?.(error instanceof Error ? error.message : String(error)).catch(() => {})
      throw error
    }
    await held()
  })
  return resource
}
