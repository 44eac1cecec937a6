import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type AttachedDisk,
  type Driver,
  type DriverContext,
  type DriverSession,
  type HostPath,
  hostPath,
  type OpenRequest,
} from '@host-deployer/driver-api'
import { createFileLeaseJournal } from '@host-deployer/driver-kit'
import { attachedNbd } from './attached-nbd.ts'
import { createDisks, type Disks } from './disks.ts'
import { findResidue } from './residue.ts'
import { settled } from './settled.ts'

/** The driver under test and where it finds itself. */
export interface Subject {
  readonly driver: Driver
  /** Validated. */
  readonly options: unknown
  readonly cacheDirectory: HostPath
  /** The module that exports the driver, for checks that need it in a process of its own. Query parameters are kept. */
  readonly module: URL | undefined
  /** Frees what the journal in a directory says a dead process left. */
  readonly reclaim: (leaseDirectory: HostPath) => Promise<unknown>
  /** How long what is left of a session may take to go. */
  readonly settleMs: number
  /** How many times the `leak` group goes round. */
  readonly rounds: number
}

/** What the checks of one group share: a directory, images, a context, and a session that is opened when somebody asks for it. */
export interface TestBed extends Subject {
  /** Everything of this group is in here: images, `work`, `leases`. Free for a check to put files into. */
  readonly directory: string
  readonly context: DriverContext<unknown>
  readonly leaseDirectory: HostPath
  /** Makes a directory in {@link TestBed.directory} and returns its path. */
  makeDirectory(name: string): Promise<string>
  /** The session of the group, with the disks of {@link TestBed.disks}. */
  session(): Promise<DriverSession>
  disks(): Promise<Disks>
  /** A disk of the group's session. */
  disk(id: keyof Disks): Promise<AttachedDisk>
  /** `Driver.open` in the group's context. Whoever opens closes. */
  open(request: OpenRequest, changes?: Partial<DriverContext<unknown>>): Promise<DriverSession>
  /** Opens, hands over, closes whatever happens. */
  inSession<T>(request: OpenRequest, action: (session: DriverSession) => Promise<T>, changes?: Partial<DriverContext<unknown>>): Promise<T>
  /** The result of the first call of `make` under this key: for what is dear and of use to several checks. */
  once<T>(key: string, make: () => Promise<T>): Promise<T>
  /** What sessions left on this machine, once it had time to go. Not while a session is open. */
  residue(): Promise<readonly string[]>
  /** Has something done before the group's session is closed: for what `once` has made in it. */
  atClose(action: () => Promise<void>): void
  /** Closes the group's session. */
  close(): Promise<void>
}

/** Makes `directory` and what a context needs in it. */
export async function createTestBed(subject: Subject, directory: string): Promise<TestBed> {
  const workDirectory = hostPath(join(directory, 'work'))
  const leaseDirectory = hostPath(join(directory, 'leases'))
  await mkdir(workDirectory, { recursive: true, mode: 0o700 })
  const context: DriverContext<unknown> = {
    options: subject.options,
    workDirectory,
    cacheDirectory: subject.cacheDirectory,
    logger: { debug() {}, info() {}, warn() {} },
    leases: createFileLeaseJournal(leaseDirectory),
  }
  const nbdBefore = await attachedNbd()
  const made = new Map<string, Promise<unknown>>()
  const once = <T>(key: string, make: () => Promise<T>): Promise<T> => {
    const value = (made.get(key) as Promise<T> | undefined) ?? make()
    made.set(key, value)
    return value
  }
  const disks = (): Promise<Disks> => once('disks', () => createDisks(directory))
  const open: TestBed['open'] = (request, changes = {}) => subject.driver.open(request, { ...context, ...changes })
  const endings: (() => Promise<void>)[] = []
  let opened: Promise<DriverSession> | undefined
  const session = (): Promise<DriverSession> => {
    opened ??= disks().then(({ data, ...rest }) => open({ disks: [data, ...Object.values(rest)] }))
    return opened
  }
  return {
    ...subject,
    directory,
    context,
    leaseDirectory,
    async makeDirectory(name) {
      await mkdir(join(directory, name))
      return join(directory, name)
    },
    session,
    disks,
    async disk(id) {
      const found = (await session()).disks.find((disk) => disk.id === id)
      if (found === undefined) throw new Error(`The session has no disk ${id}`)
      return found
    },
    open,
    async inSession(request, action, changes) {
      const own = await open(request, changes)
      try {
        return await action(own)
      } finally {
        await own.close()
      }
    },
    once,
    atClose: (action) => void endings.push(action),
    residue: () =>
      settled(
        () => findResidue(directory, { emptied: [workDirectory, leaseDirectory], nbdBefore }),
        (found) => found.length === 0,
        subject.settleMs,
      ),
    async close() {
      for (const ending of endings.splice(0).reverse()) await ending()
      const current = opened
      opened = undefined
      // A session that could not be opened has been a failure already.
      await (await current?.catch(() => undefined))?.close()
    },
  }
}
