import { createHash, randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, readFile, realpath, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { currentBootId, type ProcessIdentity } from '@host-deployer/driver-kit'
import * as z from 'zod'
import type { BootKeys } from './boot-keys.ts'
import { endHolder, type MemoryPlace, openHeldMemory } from './held-memory.ts'
import { qemuCommandLine } from './qemu-command-line.ts'
import type { VmInput } from './virtual-machine.ts'

/** Changes when a template made by an earlier version of this driver must not be used any more. */
const TEMPLATE_FORMAT = 6
/** How long sessions do not try again what has failed. */
export const RETRY_AFTER_MS = 10 * 60_000

/** How to get into a VM. */
export interface TemplateKeys {
  /** Ours, OpenSSH private key text. */
  readonly privateKeyPem: string
  /** The appliance's public key, as SSH sends it. */
  readonly hostKey: Uint8Array
}

/** What is needed of a fresh pair of keys to log in. */
export function templateKeys({ client, host }: BootKeys): TemplateKeys {
  return { privateKeyPem: client.privateKeyPem, hostKey: host.publicKeyBlob }
}

/** A template that has passed its checks. Its state stays what it is when somebody removes the template meanwhile. */
export interface OpenTemplate {
  readonly state: FileHandle
  /** Sealed; clones share what they do not change. Absent: the memory is in the state. */
  readonly memory?: FileHandle
  /** The processes that {@link memory} is held for; some may have ended. */
  readonly keepers?: readonly ProcessIdentity[]
  readonly keys: TemplateKeys
  readonly sizeBytes: number
  /** Milliseconds since the epoch. */
  readonly madeAtMs: number
  /** What the appliance could not do beforehand when it was made, so that each session starts slower. Absent: nothing. */
  readonly notWarm?: readonly string[]
}

/** What a template depends on. */
export type TemplateInput = Pick<VmInput, 'appliance' | 'programs' | 'context' | 'accelerator'>

/** Where the template of one combination of everything it depends on is kept. */
export interface TemplatePlace {
  /** `templates` in the cache directory. */
  readonly parent: string
  /** Names the combination. */
  readonly key: string
  /** Holds `template.json` and `state`, 0700. */
  readonly directory: string
  /** The memory is not in the state, a process holds it. */
  readonly isHeld: boolean
}

const processSchema = z.object({ pid: z.int().positive(), startTicks: z.int(), bootId: z.string() })

const recordSchema = z.object({
  bootId: z.string(),
  privateKeyPem: z.string(),
  hostKey: z.base64(),
  // Nobody but the kernel sets the change time, so an equal one means that nobody has written since.
  state: z.object({ sizeBytes: z.int().positive(), inode: z.string(), mtimeNs: z.string(), ctimeNs: z.string() }),
  notWarm: z.array(z.string()).min(1).optional(),
  memory: z
    .object({
      holder: processSchema,
      keepers: z.array(processSchema),
      descriptor: z.int().nonnegative(),
      inode: z.string(),
    })
    .optional(),
})

type TemplateRecord = z.infer<typeof recordSchema>
type StateIdentity = TemplateRecord['state']

async function identityOf(handle: FileHandle): Promise<StateIdentity> {
  const { size, ino, mtimeNs, ctimeNs } = await handle.stat({ bigint: true })
  return { sizeBytes: Number(size), inode: String(ino), mtimeNs: String(mtimeNs), ctimeNs: String(ctimeNs) }
}

/**
 * Where the template for this input is or would be, with its memory in a file or held by a process. Depends on the appliance's checksums as its manifest
 * says, which are looked at when the template is made: the same bytes, installed again by an upgrade, have the same template. On QEMU's file, all its arguments
 * and this boot of the host.
 */
export async function templatePlace(input: TemplateInput, isHeld = false): Promise<TemplatePlace> {
  const { appliance, programs, context, accelerator } = input
  const qemu = await realpath(programs.qemu)
  const { mtimeMs, size } = await stat(qemu)
  const { kernel, initramfs, kernelCommandLine } = appliance.manifest
  const { options } = context
  const fixed = { role: 'template', qboot: false, talkative: false, imageCount: 0, heldMemory: isHeld } as const
  const argv = qemuCommandLine({ ...fixed, accelerator, options, kernelCommandLine })
  const parts = [TEMPLATE_FORMAT, kernel.sha256, initramfs.sha256, qemu, mtimeMs, size, argv, await currentBootId()]
  const key = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)
  const parent = join(context.cacheDirectory, 'templates')
  return { parent, key, directory: join(parent, key), isHeld }
}

/** Whether a directory belongs to us and lets nobody else in. */
export async function isPrivate(path: string): Promise<boolean> {
  const stats = await lstat(path)
  return stats.isDirectory() && (stats.mode & 0o077) === 0 && stats.uid === process.getuid?.()
}

/** Makes the directory of all templates. Throws when it is somebody else's. */
export async function prepareTemplates({ parent }: Pick<TemplatePlace, 'parent'>): Promise<void> {
  await mkdir(parent, { recursive: true, mode: 0o700 })
  if (!(await isPrivate(parent))) throw new TypeError(`${parent} is not a private directory of this user`)
}

/** The record of the template at this place. */
export const recordPathOf = ({ directory }: Pick<TemplatePlace, 'directory'>): string => join(directory, 'template.json')

const readRecord = async (path: string) => recordSchema.parse(JSON.parse(await readFile(path, 'utf8')))

/** What it opens is in `handles`, also when it gives up or throws. */
async function openChecked(place: TemplatePlace, handles: FileHandle[]): Promise<OpenTemplate | undefined> {
  if (!(await isPrivate(place.parent)) || !(await isPrivate(place.directory))) return undefined
  const recordPath = recordPathOf(place)
  const record = await readRecord(recordPath)
  const { mtimeMs } = await stat(recordPath)
  const state = await open(join(place.directory, 'state'), constants.O_RDONLY | constants.O_NOFOLLOW)
  handles.push(state)
  const same = JSON.stringify(await identityOf(state)) === JSON.stringify(record.state)
  if (!same || record.bootId !== (await currentBootId())) return undefined
  const memory = record.memory && (await openHeldMemory(record.memory))
  if (memory !== undefined) handles.push(memory)
  if ((memory !== undefined) !== place.isHeld) return undefined
  const keys = { privateKeyPem: record.privateKeyPem, hostKey: Buffer.from(record.hostKey, 'base64') }
  // A file of memory takes what is allocated of it, in units of 512 bytes (stat(2)).
  const sizeBytes = record.state.sizeBytes + (memory === undefined ? 0 : (await memory.stat()).blocks * 512)
  const { notWarm } = record
  const shared = memory && record.memory && { memory, keepers: record.memory.keepers }
  return { state, ...shared, keys, sizeBytes, madeAtMs: mtimeMs, ...(notWarm && { notWarm }) }
}

/**
 * Opens the template; its descriptors are the caller's. `undefined` when there is none that can be trusted: not there, not ours alone, not of this boot of
 * the host, changed in any way since it was saved, or its memory held by nobody any more.
 */
export async function openTemplate(place: TemplatePlace): Promise<OpenTemplate | undefined> {
  const handles: FileHandle[] = []
  const template = await openChecked(place, handles).catch(() => undefined)
  if (template === undefined) for (const handle of handles) await handle.close()
  return template
}

export async function closeTemplate({ state, memory }: OpenTemplate): Promise<void> {
  await state.close()
  await memory?.close()
}

/** Keeps the template from being swept as the one nobody has used for longest. Best effort. */
export async function markUsed({ directory }: TemplatePlace): Promise<void> {
  const now = new Date()
  await utimes(directory, now, now).catch(() => {})
}

/** What is said in the record of a new template. */
export interface NewTemplate {
  readonly keys: TemplateKeys
  readonly notWarm: readonly string[]
  /** Absent: the memory is in the state. */
  readonly memory?: MemoryPlace
}

/** Completes the template in `directory`, where `state` is written already, and gives it its place; what was there is replaced. */
export async function publishTemplate(place: TemplatePlace, directory: string, { keys, notWarm, memory }: NewTemplate): Promise<void> {
  const state = await open(join(directory, 'state'), 'r')
  const record: TemplateRecord = {
    bootId: await currentBootId(),
    privateKeyPem: keys.privateKeyPem,
    hostKey: Buffer.from(keys.hostKey).toString('base64'),
    state: await identityOf(state).finally(() => state.close()),
    ...(notWarm.length > 0 && { notWarm: [...notWarm] }),
    ...(memory && { memory: { ...memory, keepers: [...memory.keepers] } }),
  }
  await writeFile(recordPathOf({ directory }), JSON.stringify(record), { mode: 0o600, flag: 'wx' })
  await discardTemplate(place)
  await rename(directory, place.directory)
  await rm(failurePath(place), { force: true })
}

/** Who holds the memory of the template at this place, as its record says; `undefined` when its memory is in the state, or there is none. */
export async function heldMemoryAt(place: Pick<TemplatePlace, 'directory'>): Promise<MemoryPlace | undefined> {
  return (await readRecord(recordPathOf(place)).catch(() => undefined))?.memory
}

/** Names others as those for whom the memory of the template at this place is held. For the one who has the lock: see `lockTemplate`. */
export async function changeKeepers(place: Pick<TemplatePlace, 'directory'>, keepers: readonly ProcessIdentity[]): Promise<void> {
  const path = recordPathOf(place)
  const record = await readRecord(path)
  if (record.memory === undefined) throw new TypeError(`${path} says that the memory is in the state`)
  const { atime, mtime } = await stat(path)
  const changed = `${path}.${randomUUID()}`
  try {
    await writeFile(changed, JSON.stringify({ ...record, memory: { ...record.memory, keepers } }), { mode: 0o600, flag: 'wx' })
    // It is as old as it was.
    await utimes(changed, atime, mtime)
    await rename(changed, path)
  } catch (error) {
    await rm(changed, { force: true })
    throw error
  }
}

/** Removes the template, and ends who holds its memory; clones that have it open go on. With `only`: unless there is another by now. */
export async function discardTemplate(place: Pick<TemplatePlace, 'directory'>, only?: OpenTemplate): Promise<void> {
  const record = await readRecord(recordPathOf(place)).catch(() => undefined)
  if (only !== undefined && record !== undefined && record.state.inode !== (await identityOf(only.state)).inode) return
  if (record?.memory !== undefined) await endHolder(record.memory)
  await rm(place.directory, { recursive: true, force: true })
}

const failurePath = ({ directory }: TemplatePlace): string => `${directory}.failed`

/** Why there was no template, and how long ago. */
export interface TemplateFailure {
  readonly reason: string
  readonly ageMs: number
}

/** Remembers for a while why there is no template. Best effort. */
export async function rememberFailure(place: TemplatePlace, reason: string): Promise<void> {
  await writeFile(failurePath(place), reason, { mode: 0o600 }).catch(() => {})
}

/** Why there was no template a short while ago; `undefined` when nothing is known against trying. */
export async function recentFailure(place: TemplatePlace): Promise<TemplateFailure | undefined> {
  try {
    if (!(await isPrivate(place.parent))) return undefined
    const ageMs = Date.now() - (await stat(failurePath(place))).mtimeMs
    if (ageMs >= RETRY_AFTER_MS) return undefined
    const reason = await readFile(failurePath(place), 'utf8')
    // On a full disk it could be remembered that it failed, but not why.
    return { reason: reason === '' ? 'a try a short while ago failed' : reason, ageMs }
  } catch {
    return undefined
  }
}
