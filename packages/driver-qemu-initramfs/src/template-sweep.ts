import { readdir, readFile, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { currentBootId, identifyProcess, isRunning, type ProcessIdentity } from '@host-deployer/driver-kit'
import { changeKeepers, discardTemplate, heldMemoryAt, RETRY_AFTER_MS, type TemplatePlace } from './template-store.ts'

/** More are removed, the least recently used first. Those of other boots of the host are never asked for again and go at once. */
const MAX_TEMPLATES = 4

const MIB = 2 ** 20
/** A template holds the memory that the appliance has used: about 140 MiB, more where more memory has to be accounted for by its kernel. */
const USUAL_MIB = 192
const DEVICE_STATE_MIB = 8

const BUILDING = /^building-(\d+)-(\d+)-([0-9a-f-]{36})-/
const TEMPLATE = /^[0-9a-f]{32}$/

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

/** What is known about one key beside its template (`KEY.boot`, `KEY.failed`, `KEY.lock`): whether nobody will ever ask for it again. */
async function isOutdated(path: string, bootId: string): Promise<boolean> {
  if (path.endsWith('.failed')) return Date.now() - (await stat(path)).mtimeMs > RETRY_AFTER_MS
  const text = await readFile(path, 'utf8')
  // An empty one is just being written.
  return text !== '' && !text.includes(bootId)
}

export const isSameProcess = (one: ProcessIdentity, other: ProcessIdentity): boolean =>
  one.pid === other.pid && one.startTicks === other.startTicks && one.bootId === other.bootId

/** Whether the memory is gone, or held for nobody but the one who holds another template now. */
async function isGivenUp(directory: string, leaving: ProcessIdentity | undefined): Promise<boolean> {
  const memory = await heldMemoryAt({ directory })
  if (memory === undefined) return false
  if (!(await isRunning(memory.holder))) return true
  const { keepers } = memory
  const staying = keepers.filter((keeper) => leaving === undefined || !isSameProcess(keeper, leaving))
  if (staying.length === keepers.length) return false
  if (staying.length > 0) await changeKeepers({ directory }, staying)
  return staying.length === 0
}

export interface SweepOptions {
  /** The one who is about to hold the template in `place`, and no other any more. */
  readonly keeper?: ProcessIdentity
}

/**
 * Removes what builders that were killed have left, templates of earlier boots of the host, those whose memory nobody holds any more, a template in `place` that is to be
 * replaced, and the least recently used when there are too many. Clones that have one open go on. For the one who builds: see `lockTemplate`.
 */
export async function sweepTemplates({ parent, key }: TemplatePlace, { keeper }: SweepOptions = {}): Promise<void> {
  const bootId = await currentBootId()
  const others: { readonly path: string; readonly usedMs: number }[] = []
  for (const name of await readdir(parent)) {
    const path = join(parent, name)
    if (name.startsWith('building-')) {
      if (await isAbandoned(name)) await rm(path, { recursive: true, force: true })
    } else if (name === key) {
      await discardTemplate({ directory: path })
    } else if (TEMPLATE.test(name)) {
      const text = await readFile(join(path, 'template.json'), 'utf8').catch(() => '')
      const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: 0 }))
      const isOfUse = text.includes(bootId) && !(await isGivenUp(path, keeper))
      others.push({ path, usedMs: isOfUse ? mtimeMs : 0 })
    } else if (await isOutdated(path, bootId).catch(() => false)) {
      await rm(path, { force: true })
    }
  }
  others.sort((one, other) => other.usedMs - one.usedMs)
  for (const [index, { path, usedMs }] of others.entries()) {
    if (usedMs === 0 || index >= MAX_TEMPLATES - 1) await discardTemplate({ directory: path })
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
