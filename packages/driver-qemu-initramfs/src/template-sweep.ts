import { existsSync } from 'node:fs'
import { readdir, readFile, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { currentBootId, identifyProcess, isRunning, type ProcessIdentity } from '@host-deployer/driver-kit'
import { lockPathOf, tryLockTemplate } from './template-lock.ts'
import { changeKeepers, discardTemplate, heldMemoryAt, RETRY_AFTER_MS, recordPathOf, type TemplatePlace } from './template-store.ts'

/**
 * With their memory in a file. More are removed, the least recently used first; those of other boots of the host are never asked for again and go at once. One
 * that is held counts for nothing here: it takes a few MiB, a keeper has one at most, and it is for the keepers to say how long.
 */
const MAX_TEMPLATES = 4

const MIB = 2 ** 20
/** A template holds the memory that the appliance has used: about 140 MiB, more where more memory has to be accounted for by its kernel. */
const USUAL_MIB = 192
const DEVICE_STATE_MIB = 8

const BUILDING = /^building-(\d+)-(\d+)-([0-9a-f-]{36})-/
const TEMPLATE = /^[0-9a-f]{32}$/
const START_TIME = /^(.*)\.(?:boot|clone)$/
const DAY_MS = 86_400_000

/** How the name of this process's next `building-*` directory starts: whoever finds one knows whether its maker still runs. */
export async function buildingPrefix(): Promise<string> {
  const owner = await identifyProcess(process.pid)
  if (owner === undefined) throw new Error('This process is not in /proc')
  return `building-${owner.pid}-${owner.startTicks}-${owner.bootId}-`
}

async function isAbandoned(name: string): Promise<boolean> {
  const [, pid, startTicks, bootId = ''] = BUILDING.exec(name) ?? []
  return !(await isRunning({ pid: Number(pid), startTicks: Number(startTicks), bootId }))
}

/** What is known about one key beside its template (`KEY.boot`, `KEY.clone`, `KEY.failed`, `KEY.lock`): whether nobody will ever ask for it again. */
async function isOutdated(path: string, bootId: string): Promise<boolean> {
  const [, directory] = START_TIME.exec(path) ?? []
  // Without a template only sessions that boot write it, and those do each time.
  if (directory !== undefined && !existsSync(directory) && Date.now() - (await stat(path)).mtimeMs > DAY_MS) return true
  if (path.endsWith('.failed')) return Date.now() - (await stat(path)).mtimeMs > RETRY_AFTER_MS
  const text = await readFile(path, 'utf8')
  // An empty one is just being written.
  return text !== '' && !text.includes(bootId)
}

export const isSameProcess = (one: ProcessIdentity, other: ProcessIdentity): boolean =>
  one.pid === other.pid && one.startTicks === other.startTicks && one.bootId === other.bootId

/** What is done with a template has its lock, as another process may be joining it or making it anew. Who has that keeps it as it is: then `undefined`, at once. */
async function whileLocked<T>(directory: string, work: () => Promise<T>): Promise<T | undefined> {
  const unlock = await tryLockTemplate(lockPathOf({ directory }))
  if (unlock === undefined) return undefined
  try {
    return await work()
  } finally {
    await unlock()
  }
}

/** Takes one off those for whom a template is held. Whether nobody is left, or the memory is gone; then the template goes, too. */
async function giveUp(directory: string, leaving: ProcessIdentity | undefined): Promise<boolean> {
  const memory = await heldMemoryAt({ directory })
  if (memory === undefined) return false
  const staying = memory.keepers.filter((keeper) => leaving === undefined || !isSameProcess(keeper, leaving))
  if (staying.length > 0 && (await isRunning(memory.holder))) {
    if (staying.length < memory.keepers.length) await changeKeepers({ directory }, staying)
    return false
  }
  await discardTemplate({ directory })
  return true
}

/** When the template was used; 0 when nobody will ask for it. */
async function lastUseMs(directory: string, bootId: string): Promise<number> {
  const text = await readFile(recordPathOf({ directory }), 'utf8').catch(() => '')
  return text.includes(bootId) ? (await stat(directory).catch(() => ({ mtimeMs: 0 }))).mtimeMs : 0
}

export interface SweepOptions {
  /** The one who is about to hold the template in `place`, and no other any more. */
  readonly keeper?: ProcessIdentity
}

/**
 * Removes what builders that were killed have left, templates of earlier boots of the host, those whose memory nobody holds any more, a template in `place` that is to be
 * replaced, and the least recently used when too many are files. Clones that have one open go on. For the one who builds: see `lockTemplate`.
 */
export async function sweepTemplates({ parent, key, isHeld }: TemplatePlace, { keeper }: SweepOptions = {}): Promise<void> {
  const bootId = await currentBootId()
  const others: { readonly path: string; readonly usedMs: number }[] = []
  for (const name of await readdir(parent)) {
    const path = join(parent, name)
    if (name.startsWith('building-')) {
      if (await isAbandoned(name)) await rm(path, { recursive: true, force: true })
    } else if (name === key) {
      await discardTemplate({ directory: path })
    } else if (TEMPLATE.test(name)) {
      if ((await heldMemoryAt({ directory: path })) !== undefined) await whileLocked(path, () => giveUp(path, keeper))
      else others.push({ path, usedMs: await lastUseMs(path, bootId) })
    } else if (await isOutdated(path, bootId).catch(() => false)) {
      await rm(path, { force: true })
    }
  }
  others.sort((one, other) => other.usedMs - one.usedMs)
  const kept = isHeld ? MAX_TEMPLATES : MAX_TEMPLATES - 1
  for (const [index, { path, usedMs }] of others.entries()) {
    if (usedMs !== 0 && index < kept) continue
    await whileLocked(path, async () => {
      if ((await lastUseMs(path, bootId)) === usedMs) await discardTemplate({ directory: path })
    })
  }
}

/** At most so many bytes a template of a VM with so much memory takes. */
export function templateBytes(memoryMb: number): number {
  return (Math.min(memoryMb, USUAL_MIB + memoryMb / 32) + DEVICE_STATE_MIB) * MIB
}

/** Why the file system of `directory` cannot take a template; `undefined` when it can. */
export async function whyNoRoom(directory: string, memoryMb: number): Promise<string | undefined> {
  const { bavail, bsize, blocks } = await statfs(directory)
  // A tmpfs without a limit says 0.
  if (blocks === 0) return undefined
  const free = bavail * bsize
  const needed = templateBytes(memoryMb)
  const mib = (bytes: number): number => Math.floor(bytes / MIB)
  return free >= needed ? undefined : `${mib(free)} MiB are free in ${directory}, a saved VM takes up to ${mib(needed)}`
}
