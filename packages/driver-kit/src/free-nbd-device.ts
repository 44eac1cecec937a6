import { basename } from 'node:path'
import type { Lease } from '@host-deployer/driver-api'
import { becomesTrue } from './becomes-true.ts'
import { describeUse, removeMappings } from './block-device-use.ts'
import { argumentsOf } from './find-argument.ts'
import { createLocalToolHost } from './local-tool-host.ts'
import { nbdAttachedBy } from './nbd-device.ts'
import { currentBootId } from './process-identity.ts'
import { isFirstProcessNamespace } from './process-namespace.ts'

/** Details of an `nbd-device` lease. */
export interface NbdDeviceDetails {
  readonly device: string
  /** An argument of the program that attaches it which no other program has. */
  readonly marker: string
  /** Numbers mean something until the next start of the machine. */
  readonly bootId: string
  /** See {@link nbdAttachedBy}; not known before the device is attached. */
  readonly attachedBy?: number
}

function detailsIn({ device, marker, bootId, attachedBy }: Lease['details']): NbdDeviceDetails | undefined {
  if (typeof device !== 'string' || typeof marker !== 'string' || typeof bootId !== 'string') return undefined
  if (!/^\/dev\/nbd\d+$/.test(device)) return undefined
  return { device, marker, bootId, ...(typeof attachedBy === 'number' && { attachedBy }) }
}

/**
 * `ours-running`: attached by our program, which runs. `ours`: attached by our program, which has ended; something else keeps the device open. `unknown`: by
 * one that is not seen, perhaps since it has ended, and the lease does not say who had it.
 */
type Holder = 'nobody' | 'ours-running' | 'ours' | 'others' | 'unknown'

async function holderOf({ device, marker, attachedBy }: NbdDeviceDetails): Promise<Holder> {
  const now = await nbdAttachedBy(basename(device))
  if (now === undefined) return 'nobody'
  if (attachedBy !== undefined && attachedBy !== now) return 'others'
  // Elsewhere a process of that number would be another one.
  const words = (await isFirstProcessNamespace()) ? await argumentsOf(now) : []
  if (words.length > 0) return words.includes(marker) ? 'ours-running' : 'others'
  return attachedBy === undefined ? 'unknown' : 'ours'
}

/**
 * Takes down what is on top of a device of ours, and disconnects it while our program runs: of one that has ended the kernel lets the device go with the last
 * who has it open, and to disconnect one of somebody else's would cut a disk in use. Resolves as well when it is evidently somebody else's. Rejects when the
 * device stays attached. `false`: this is no lease of an nbd device.
 */
export async function freeNbdDevice(given: Lease['details'], timeoutMs: number): Promise<boolean> {
  const details = detailsIn(given)
  if (details === undefined) return false
  if (details.bootId !== (await currentBootId())) return true
  const { device } = details
  const name = basename(device)
  let holder = await holderOf(details)
  if (holder === 'ours' || holder === 'ours-running') await removeMappings(name)
  if (holder === 'ours-running' && (await holderOf(details)) === 'ours-running') {
    const { exec } = createLocalToolHost()
    await exec(['qemu-nbd', '--disconnect', device], { timeoutMs }).catch(() => undefined)
  }
  const gone = await becomesTrue(async () => {
    holder = await holderOf(details)
    return holder === 'nobody' || holder === 'others'
  }, timeoutMs)
  if (gone) return true
  const uses = (await describeUse(name)).join('; ')
  const what = holder === 'unknown' ? 'is attached, and nothing tells by whom: it is left alone' : 'stays attached'
  throw new Error(`${device} ${what}${uses === '' ? '' : `: ${uses}`}`)
}
