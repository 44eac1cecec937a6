import { basename } from 'node:path'
import type { Lease } from '@host-deployer/driver-api'
import { becomesTrue } from './becomes-true.ts'
import { describeUse, removeMappings } from './block-device-use.ts'
import { argumentsOf, processesWithArgument } from './find-argument.ts'
import { createLocalToolHost } from './local-tool-host.ts'
import { nbdAttachedBy } from './nbd-device.ts'
import { disconnectNbd, findNbdNetlink, isNbdServed } from './nbd-netlink.ts'
import { currentBootId } from './process-identity.ts'
import { isFirstProcessNamespace } from './process-namespace.ts'

/** Details of an `nbd-device` lease. */
export interface NbdDeviceDetails {
  readonly device: string
  /** An argument of the program that attaches it which no other program has. */
  readonly marker: string
  /** Numbers mean something until the next start of the machine. */
  readonly bootId: string
  /** See {@link nbdAttachedBy}; through the ioctl not known before the device is attached. */
  readonly attachedBy?: number
  /** Attached so, a device outlives the program that serves it: it is there until somebody detaches it, and does not work. Otherwise through the ioctl. */
  readonly through?: 'netlink'
}

function detailsIn({ device, marker, bootId, attachedBy, through }: Lease['details']): NbdDeviceDetails | undefined {
  if (typeof device !== 'string' || typeof marker !== 'string' || typeof bootId !== 'string') return undefined
  if (!/^\/dev\/nbd\d+$/.test(device)) return undefined
  return { device, marker, bootId, ...(typeof attachedBy === 'number' && { attachedBy }), ...(through === 'netlink' && { through }) }
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
 * Has the kernel give up a device that a killed session has attached through netlink. Until then what reads from it or writes to it may wait for ever, the
 * session's own processes among it; so this comes before these are waited for. Resolves with whose it is then.
 *
 * A number comes back one day. What is served is therefore not taken for ours, whose server ended with its session; and to detach what is not served takes
 * nothing from anybody.
 */
async function cut({ device, marker, attachedBy }: NbdDeviceDetails, timeoutMs: number): Promise<Holder> {
  // Killed with its owner, but perhaps not dead yet.
  await becomesTrue(async () => (await processesWithArgument(marker)).length === 0, timeoutMs)
  const look = async (): Promise<Holder> => {
    const now = await nbdAttachedBy(basename(device))
    if (now === undefined || now !== attachedBy) return now === undefined ? 'nobody' : 'others'
    return (await isNbdServed(device)) ? 'unknown' : 'ours'
  }
  let holder = await look()
  // It takes a server a moment to end, too.
  await becomesTrue(async () => {
    if (holder === 'unknown') holder = await look()
    return holder !== 'unknown'
  }, timeoutMs)
  if (holder === 'ours') await disconnectNbd(device)
  return holder
}

async function freeThroughNetlink(details: NbdDeviceDetails, timeoutMs: number): Promise<Holder> {
  const { device, attachedBy } = details
  const name = basename(device)
  const isLeft = async (): Promise<boolean> => (await nbdAttachedBy(name)) === attachedBy
  const { usable, detail } = await findNbdNetlink()
  if (!usable && (await isLeft()))
    throw new Error(`${device} has to be detached through netlink, and ${detail}: run reclaim on the host itself`)
  const holder = usable ? await cut(details, timeoutMs) : 'nobody'
  if (holder !== 'ours') return holder
  await removeMappings(name)
  return (await becomesTrue(async () => !(await isLeft()), timeoutMs)) ? 'nobody' : 'ours'
}

async function freeThroughIoctl(details: NbdDeviceDetails, timeoutMs: number): Promise<Holder> {
  const { device } = details
  let holder = await holderOf(details)
  if (holder === 'ours' || holder === 'ours-running') await removeMappings(basename(device))
  if (holder === 'ours-running' && (await holderOf(details)) === 'ours-running') {
    const { exec } = createLocalToolHost()
    await exec(['qemu-nbd', '--disconnect', device], { timeoutMs }).catch(() => undefined)
  }
  await becomesTrue(async () => {
    holder = await holderOf(details)
    return holder === 'nobody' || holder === 'others'
  }, timeoutMs)
  return holder
}

const CUT_TIMEOUT_MS = 3_000

/** What has to be done for nbd devices before anything else of killed sessions can end. Never rejects: {@link freeNbdDevice} does it again. */
export async function unblockNbdDevice(given: Lease['details']): Promise<void> {
  const details = detailsIn(given)
  if (details?.through !== 'netlink' || details.bootId !== (await currentBootId())) return
  const { usable } = await findNbdNetlink()
  if (usable) await cut(details, CUT_TIMEOUT_MS).catch(() => 'unknown')
}

/**
 * Takes down what is on top of a device of ours, and disconnects it. One that was attached through the ioctl only while our program runs: of one that has ended
 * the kernel lets the device go with the last who has it open, and to disconnect one of somebody else's would cut a disk in use. Resolves as well when it is
 * evidently somebody else's. Rejects when the device stays attached. `false`: this is no lease of an nbd device.
 */
export async function freeNbdDevice(given: Lease['details'], timeoutMs: number): Promise<boolean> {
  const details = detailsIn(given)
  if (details === undefined) return false
  if (details.bootId !== (await currentBootId())) return true
  const { device, through } = details
  const holder = await (through === 'netlink' ? freeThroughNetlink : freeThroughIoctl)(details, timeoutMs)
  if (holder === 'nobody' || holder === 'others') return true
  const uses = (await describeUse(basename(device))).join('; ')
  const what = holder === 'unknown' ? 'is attached, and nothing tells by whom: it is left alone' : 'stays attached'
  throw new Error(`${device} ${what}${uses === '' ? '' : `: ${uses}`}`)
}
