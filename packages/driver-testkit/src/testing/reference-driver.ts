// A driver without a kernel, for tests of the kit: disks are image files read and written by this process. It shows what the contract asks for and
// is no example of how to attach a disk.

import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type AttachedDisk,
  DiskError,
  type DiskRequest,
  type Driver,
  type DriverContext,
  type DriverSession,
  type OpenRequest,
  type StandardSchemaV1,
  toolPath,
} from '@host-deployer/driver-api'
import {
  aborted,
  createLocalToolHost,
  createResourceStack,
  defineDriver,
  identifyProcess,
  type ResourceStack,
} from '@host-deployer/driver-kit'
import { settled } from '../settled.ts'
import { openReferenceDisk, type ReferenceDisk } from './reference-disk.ts'
import { createReferenceMachine } from './reference-machine.ts'

const options: StandardSchemaV1<unknown, object> = {
  '~standard': {
    version: 1,
    vendor: 'driver-testkit',
    validate: (value) =>
      typeof value === 'object' && value !== null && Object.keys(value).length === 0
        ? { value }
        : { issues: [{ message: 'There are no options' }] },
  },
}

/**
 * Takes the locks of a session: a file for each image in the session's own directory, shown before others are looked for. Of two that come at once
 * one or both are refused, never none. They go with the directory, so that its lease is all that has to be reclaimed.
 */
async function lock(disks: readonly DiskRequest[], workDirectory: string, directory: string): Promise<void> {
  const wanted = await Promise.all(
    disks.map(async ({ access, chain: [{ path }] }) => {
      const stats = await stat(path).catch(() => undefined)
      return { path, name: `${stats?.dev}-${stats?.ino}-${access === 'read-write' ? 'writer' : 'reader'}` }
    }),
  )
  await Promise.all(wanted.map(({ name }) => writeFile(join(directory, name), '')))
  for (const session of await readdir(workDirectory)) {
    const others = join(workDirectory, session)
    const held = others === directory ? [] : await readdir(others).catch(() => [])
    const taken = wanted.find(
      ({ name }) =>
        held.includes(name.replace(/reader$/, 'writer')) || (name.endsWith('writer') && held.includes(name.replace(/writer$/, 'reader'))),
    )
    if (taken !== undefined) throw new DiskError('IMAGE_LOCKED', `${taken.path} is in use`, { retry: 'may-help' })
  }
}

/** A process that does nothing but belong to the session, as an attaching driver has one. */
async function startAttacher(context: DriverContext<unknown>, directory: string, stack: ResourceStack): Promise<void> {
  const stop = new AbortController()
  const file = join(directory, 'attacher.pid')
  const running = createLocalToolHost().exec(['sh', '-c', 'echo $$ >"$1"; exec sleep 120', 'sh', file], { signal: stop.signal })
  const ended = running.catch(() => {})
  stack.defer('attacher', async () => {
    stop.abort()
    await ended
  })
  const pid = Number(
    await settled(
      () => readFile(file, 'utf8').catch(() => ''),
      (text) => text.endsWith('\n'),
    ),
  )
  const identity = await identifyProcess(pid)
  if (identity !== undefined) stack.defer('lease', await context.leases.record({ kind: 'process', details: { ...identity } }))
}

async function open(request: OpenRequest, context: DriverContext<unknown>, locks = true): Promise<DriverSession> {
  const started = performance.now()
  const go = (): void => {
    if (context.signal?.aborted === true) throw aborted(context.signal, 'opening the disks')
  }
  go()
  const stack = createResourceStack()
  try {
    const directory = join(context.workDirectory, `session-${randomUUID()}`)
    stack.defer('lease', await context.leases.record({ kind: 'directory', details: { path: directory } }))
    await mkdir(directory)
    stack.defer(directory, () => rm(directory, { recursive: true }))
    go()
    if (locks) await lock(request.disks, context.workDirectory, directory)
    await startAttacher(context, directory, stack)
    go()
    const devices = new Map<string, ReferenceDisk>()
    const attached: AttachedDisk[] = []
    for (const [index, disk] of request.disks.entries()) {
      const opened = await openReferenceDisk(disk)
      stack.defer(disk.id, () => opened.close())
      const device = toolPath(`/dev/ref${String.fromCharCode(97 + index)}`)
      devices.set(device, opened)
      attached.push({ id: disk.id, device, sizeBytes: opened.sizeBytes, readOnly: opened.readOnly })
      go()
    }
    let closing: Promise<void> | undefined
    const close = (): Promise<void> => {
      closing ??= stack.release()
      return closing
    }
    return {
      capabilities: { isolated: false, xattrs: true, guestExec: false, partitionNodes: true, lvm: false },
      disks: attached as unknown as DriverSession['disks'],
      toolHost: createReferenceMachine(devices),
      info: { accelerator: 'none', timings: { open: Math.round(performance.now() - started) } },
      diagnostics: [],
      close,
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    throw await stack.releaseAfter(error)
  }
}

export interface ReferenceDriverOptions {
  /** Whether it refuses an image that another session has. */
  readonly locks: boolean
}

/** The reference driver, or one that is known to be wrong. */
export function createReferenceDriver({ locks }: ReferenceDriverOptions): Driver<object> {
  return defineDriver<object>({
    name: 'reference',
    options,
    probe: async () => ({ usable: true, findings: [{ subject: 'memory', ok: true, detail: 'there is some' }] }),
    open: (request, context) => open(request, context, locks),
  })
}

export const driver: Driver<object> = createReferenceDriver({ locks: true })
