import { randomInt } from 'node:crypto'
import { open, readdir } from 'node:fs/promises'
import { CleanupError, type HeldLease, type ToolPath } from '@host-deployer/driver-api'
import { becomesTrue, describeUse, isNbdEmpty, nbdAttachedBy } from '@host-deployer/driver-kit'

// What both ways to attach a device of the kernel's nbd have in common.

export const isDetached = async (name: string): Promise<boolean> => (await nbdAttachedBy(name)) === undefined && (await isNbdEmpty(name))

/** Names of the kernel (`nbd3`), in the order in which they are to be tried. */
export async function freeDevices(): Promise<string[]> {
  const names = (await readdir('/sys/block')).filter((name) => /^nbd\d+$/.test(name))
  const free = await Promise.all(names.map(isDetached))
  const found = names.filter((_, index) => free[index])
  // Sessions that start together shall not all try the same one first.
  const at = found.length === 0 ? 0 : randomInt(found.length)
  return [...found.slice(at), ...found.slice(0, at)]
}

/** The kernel reads the partition table when the device is opened for the first time. */
export async function readTable(device: ToolPath): Promise<void> {
  await (await open(device, 'r')).close()
}

/** Gives the lease of a device up once the device is gone; one that stays is in quarantine, and `CLEANUP_RESIDUE` says who uses it. */
export async function giveUp(name: string, held: HeldLease, isGone: () => Promise<boolean>, timeoutMs: number): Promise<void> {
  if (await becomesTrue(isGone, timeoutMs)) return held()
  const reasons = await describeUse(name)
  const message = `/dev/${name} cannot be detached: ${reasons.join('; ') || 'it stays attached'}`
  await held.quarantine?.(message).catch(() => {})
  throw new CleanupError('CLEANUP_RESIDUE', message, {
    hint: 'End what uses it, then run `host-deployer reclaim`.',
    retry: 'may-help',
    context: { device: `/dev/${name}`, reasons },
  })
}
