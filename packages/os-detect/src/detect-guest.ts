import type { GuestFs } from '@host-deployer/guest-fs'
import type { GuestFacts } from './facts.ts'

/** What the partition tables say about booting; `BootEvidence` of the `block` package has this shape. */
export interface BootEvidence {
  readonly esp: boolean
  readonly biosBootPartition: boolean
  readonly mbr: boolean
}

/**
 * Reads evidence, changes nothing, and never throws for what a file says: only `FsError` of the transport passes. Text is freed of control
 * characters and cut to a sane length.
 */
export async function detectGuest(_fs: GuestFs, _boot?: BootEvidence): Promise<GuestFacts> {
  throw new TypeError('Not written yet')
}
