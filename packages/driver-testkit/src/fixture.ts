import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type AttachedDisk,
  DeployError,
  type DiskRequest,
  type Driver,
  type DriverContext,
  type DriverSession,
  type HostPath,
  hostPath,
  type ImageFile,
  type OpenRequest,
} from '@host-deployer/driver-api'
import { createFileLeaseJournal } from '@host-deployer/driver-kit'
import { createQcow2Image, createRawImage } from './test-images.ts'

export interface TestDriverInput<Options> {
  readonly driver: Driver<Options>
  /** The driver's section of a configuration. Default `{}`. */
  readonly options?: unknown
  /** Where built artefacts are. Default: an empty directory. */
  readonly cacheDirectory?: string
}

/** What the groups work with: images, a context, and one open session that has a disk of each kind. */
export interface Fixture<Options> {
  readonly driver: Driver<Options>
  readonly directory: string
  readonly workDirectory: HostPath
  readonly leaseDirectory: HostPath
  readonly images: Readonly<Record<'data' | 'image' | 'sealed' | 'scratch' | 'base' | 'overlay', ImageFile>>
  readonly context: DriverContext<Options>
  readonly session: DriverSession
  disk(id: string): AttachedDisk
  open(request: OpenRequest, changes?: Partial<DriverContext<Options>>): Promise<DriverSession>
  remove(): Promise<void>
}

const MIB = 1024 * 1024
export const DISK_BYTES = 64 * MIB

/** The disk kinds of the one shared session. Whole megabytes, each size another one, so that mixing two up is noticed. */
export const disksOf = (images: Fixture<unknown>['images']): [DiskRequest, ...DiskRequest[]] => [
  { id: 'data', access: 'read-write', chain: [images.data] },
  { id: 'image-2', access: 'read-write', chain: [images.image] },
  { id: 'sealed', access: 'read-only', chain: [images.sealed] },
  { id: 'scratch', access: 'scratch', chain: [images.scratch] },
  { id: 'overlay', access: 'read-write', chain: [images.overlay, images.base] },
]

export const sizeOf: Readonly<Record<string, number>> = {
  data: DISK_BYTES,
  'image-2': DISK_BYTES + MIB,
  sealed: DISK_BYTES + 2 * MIB,
  scratch: DISK_BYTES + 3 * MIB,
  overlay: DISK_BYTES + 4 * MIB,
}

async function createImages(directory: string): Promise<Fixture<unknown>['images']> {
  const size = (id: string): number => sizeOf[id] ?? DISK_BYTES
  const base = await createRawImage(directory, 'base', size('overlay'))
  return {
    data: await createRawImage(directory, 'data', size('data')),
    image: await createQcow2Image(directory, 'image', size('image-2')),
    sealed: await createRawImage(directory, 'sealed', size('sealed')),
    scratch: await createRawImage(directory, 'scratch', size('scratch')),
    base,
    overlay: await createQcow2Image(directory, 'overlay', size('overlay'), base),
  }
}

/** Makes images and context and opens the shared session. A failure leaves nothing of ours behind. */
export async function createFixture<Options>(input: TestDriverInput<Options>): Promise<Fixture<Options>> {
  const directory = await mkdtemp(join(tmpdir(), 'driver-testkit-'))
  try {
    return await fillFixture(input, directory)
  } catch (error) {
    await rm(directory, { recursive: true, force: true })
    throw error
  }
}

async function fillFixture<Options>(input: TestDriverInput<Options>, directory: string): Promise<Fixture<Options>> {
  const { driver } = input
  const workDirectory = hostPath(join(directory, 'work'))
  const leaseDirectory = hostPath(join(directory, 'leases'))
  const cacheDirectory = input.cacheDirectory ?? join(directory, 'cache')
  await mkdir(workDirectory, { mode: 0o700 })
  const validated = await driver.options['~standard'].validate(input.options ?? {})
  if (validated.issues !== undefined) throw new TypeError(`The options of the suite are wrong: ${JSON.stringify(validated.issues)}`)
  const context: DriverContext<Options> = {
    options: validated.value,
    workDirectory,
    cacheDirectory: hostPath(cacheDirectory),
    logger: { debug() {}, info() {}, warn() {} },
    leases: createFileLeaseJournal(leaseDirectory),
  }
  const images = await createImages(directory)
  const session = await driver.open({ disks: disksOf(images) }, context)
  return {
    driver,
    directory,
    workDirectory,
    leaseDirectory,
    images,
    context,
    session,
    disk(id) {
      const disk = session.disks.find((candidate) => candidate.id === id)
      if (disk === undefined) throw new TypeError(`The session has no disk ${id}`)
      return disk
    },
    open: (request, changes = {}) => driver.open(request, { ...context, ...changes }),
    async remove() {
      await session.close().catch(() => {})
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** The code an action rejects with; `none` when it succeeds, which a session that came out of it is closed for. */
export async function codeOf(action: Promise<unknown>): Promise<string> {
  try {
    const value = await action
    if (typeof value === 'object' && value !== null && 'close' in value && typeof value.close === 'function') await value.close()
    return 'none'
  } catch (error) {
    return DeployError.isInstance(error) ? error.code : `${error}`
  }
}
