import {
  AbortError,
  type AttachedDisk,
  type Driver,
  type DriverContext,
  type ExecOptions,
  type ExecResult,
  hostPath,
  type RawFs,
  toolPath,
} from '@host-deployer/driver-api'
import { expect, test } from 'vitest'
import { grow } from './grow.ts'
import { createPhases } from './phases.ts'
import { type WorkSession, withSession } from './with-session.ts'

const disk: AttachedDisk = { id: 'disk0', device: toolPath('/dev/sda'), sizeBytes: 2 ** 20, readOnly: false }
const done: ExecResult = { exitCode: 0, signal: null, stdout: new Uint8Array(), stderr: new Uint8Array() }

/** As every tool host: a program of the name `hangs` ends when its call's signal fires, and never without. Any other ends soon. */
function exec([program]: readonly [string, ...string[]], { signal }: ExecOptions = {}): Promise<ExecResult> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(new AbortError('ABORTED', 'Killed'))
    if (signal?.aborted) return abort()
    signal?.addEventListener('abort', abort)
    if (program !== 'hangs') setTimeout(resolve, 20, done)
  })
}

function setUp(run = exec) {
  const controller = new AbortController()
  const closed: string[] = []
  const close = async () => void closed.push('session')
  const driver: Driver = {
    apiVersion: 1,
    name: 'hangs',
    options: { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } },
    probe: async () => ({ usable: true, findings: [] }),
    open: async () => ({
      capabilities: { isolated: true, xattrs: true, guestExec: false, partitionNodes: true, lvm: true },
      disks: [disk],
      toolHost: { exec: run, fs: {} as RawFs },
      info: { accelerator: 'none', timings: {} },
      diagnostics: [],
      close,
      [Symbol.asyncDispose]: close,
    }),
  }
  const context: DriverContext<unknown> = {
    options: {},
    workDirectory: hostPath('/nonexistent'),
    cacheDirectory: hostPath('/nonexistent'),
    logger: { debug() {}, info() {}, warn() {} },
    leases: { record: async () => async () => {} },
    signal: controller.signal,
  }
  const path = hostPath('/disk.raw')
  const image = { path, format: 'raw', virtualSizeBytes: 2 ** 20, chain: [{ path, format: 'raw' }] } as const
  const phases = createPhases({ clock: () => 0, signal: controller.signal })
  const work = <T>(use: (session: WorkSession) => Promise<T>) => withSession({ driver, context, image }, 'read-write', phases, use)
  return { controller, closed, driver, context, image, phases, work }
}

const failure = (work: Promise<unknown>): Promise<unknown> => work.then(() => undefined).catch((error: unknown) => error)

test('a program that hangs ends with the signal, and the session is closed', async () => {
  const { controller, closed, driver, context, image } = setUp((_argv, options) => {
    // Not before: what has to be loaded first may take any time.
    setImmediate(() => controller.abort())
    return exec(['hangs'], options)
  })
  expect(await failure(grow({ driver, context, image, clock: () => 0 }))).toMatchObject({ code: 'ABORTED', phase: 'scan' })
  expect(closed).toEqual(['session'])
})

test('a commit is not cut off; what was cancelled after it says that the changes are there', async () => {
  const { controller, phases, work } = setUp()
  const committed: ExecResult[] = []
  const error = await failure(
    work(async ({ toolHost }) => {
      await phases.run('commit', async () => {
        const first = toolHost.exec(['writes'])
        controller.abort()
        committed.push(await first, await toolHost.exec(['writes']))
      })
      await phases.run('unmount', async () => {})
    }),
  )
  expect(committed).toEqual([done, done])
  expect(error).toMatchObject({ code: 'ABORTED', phase: 'unmount', context: { committed: true } })
})

test('what was cancelled before a commit does not say so', async () => {
  const { controller, phases, work } = setUp()
  controller.abort()
  expect(await failure(work(() => phases.run('commit', async () => {})))).toMatchObject({ code: 'ABORTED', phase: 'open', context: {} })
})

test.each([
  ['while a program runs', 'hangs'],
  ['between two of them', 'quick'],
])('a signal %s ends the work, and what it holds is released', async (_when, program) => {
  const { controller, phases, work } = setUp()
  const released: ExecResult[] = []
  const error = await failure(
    work(({ toolHost }) =>
      phases
        .run('mount', async () => {
          try {
            if (program === 'hangs') setTimeout(() => controller.abort(), 20)
            else controller.abort()
            await Promise.all([toolHost.exec([program]), toolHost.exec([program])])
          } finally {
            released.push(await toolHost.exec(['umount']))
          }
        })
        .finally(async () => released.push(await toolHost.exec(['vgchange']))),
    ),
  )
  expect(error).toMatchObject({ code: 'ABORTED', phase: 'mount' })
  expect(released).toEqual([done, done])
})

test('what the caller did before stands first in the timings', async () => {
  const phases = createPhases({ clock: () => 0, timingsBefore: { parse: 3, resolve: 4 } })
  await phases.run('open', async () => {})
  expect(Object.entries(phases.timings)).toEqual(Object.entries({ parse: 3, resolve: 4, open: 0 }))
})
