// What the tests of clones and templates share: a directory with an image, a cache of its own, sessions on them, and a look at the processes.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DriverContext, type DriverSession, hostPath, type ImageFile } from '@host-deployer/driver-api'
import { createRawImage } from '@host-deployer/driver-testkit'
import { expect } from 'vitest'
import { applianceUnderTest } from './appliance.test-support.ts'
import { driver } from './driver.ts'
import type { QemuInitramfsOptions } from './options.ts'
import { contextOf } from './session.test-support.ts'

export const IMAGE_BYTES = 16 * 1024 * 1024

export interface CloneFixture {
  readonly directory: string
  readonly workDirectory: string
  readonly leaseDirectory: string
  /** Of the default cache directory. */
  readonly templates: string
  readonly image: ImageFile
  context(changes?: Partial<DriverContext<QemuInitramfsOptions>>): DriverContext<QemuInitramfsOptions>
  /** What {@link context} is made of, for other processes. */
  readonly input: { readonly workDirectory: string; readonly leaseDirectory: string; readonly options: Readonly<Record<string, unknown>> }
  /** A session on the image, or another one; closed by {@link closeAll} if not before. */
  open(changes?: Partial<DriverContext<QemuInitramfsOptions>>, other?: ImageFile): Promise<DriverSession>
  /** A process of its own that opens another image. */
  openElsewhere(image: ImageFile): ChildProcess & { readonly said: Promise<string> }
  closeAll(): Promise<void>
  remove(): Promise<void>
}

export async function createCloneFixture(): Promise<CloneFixture> {
  const directory = await mkdtemp(join(tmpdir(), 'driver-clones-'))
  await chmod(directory, 0o755)
  const input = {
    workDirectory: join(directory, 'work'),
    leaseDirectory: join(directory, 'leases'),
    options: { appliance: applianceUnderTest, accel: 'tcg' },
  }
  await mkdir(input.workDirectory, { mode: 0o700 })
  const image = await createRawImage(directory, 'image', IMAGE_BYTES)
  const opened: DriverSession[] = []
  const children: ChildProcess[] = []
  const context: CloneFixture['context'] = (changes) => contextOf(input, changes)
  const closeAll = async (): Promise<void> => {
    for (const session of opened.splice(0)) await session.close().catch(() => {})
    for (const child of children.splice(0)) child.kill('SIGKILL')
  }
  return {
    directory,
    workDirectory: input.workDirectory,
    leaseDirectory: input.leaseDirectory,
    templates: join(directory, 'work-cache', 'templates'),
    image,
    context,
    input,
    async open(changes, other = image) {
      const session = await driver.open({ disks: [{ id: 'disk', access: 'read-write', chain: [other] }] }, context(changes))
      opened.push(session)
      return session
    },
    openElsewhere({ path, format }) {
      const script = join(import.meta.dirname, 'session.test-support.ts')
      const argument = JSON.stringify({ ...input, image: path, format, access: 'read-write' })
      const argv = ['--conditions=@host-deployer/source', '--disable-warning=ExperimentalWarning', script, argument]
      const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit'] })
      children.push(child)
      const said = once(child.stdout, 'data').then(([chunk]) => String(chunk).trim())
      said.catch(() => {})
      return Object.assign(child, { said })
    },
    closeAll,
    async remove() {
      await closeAll()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** What a shell script in the VM prints. It has to end well and without complaint. */
export async function run({ toolHost }: DriverSession, script: string): Promise<string> {
  const { stdout, stderr, exitCode } = await toolHost.exec(['sh', '-c', script])
  expect({ exitCode, stderr: Buffer.from(stderr).toString() }).toEqual({ exitCode: 0, stderr: '' })
  return Buffer.from(stdout).toString().trim()
}

export const isClone = ({ info }: DriverSession): boolean => 'restore' in info.timings

export const codesOf = ({ diagnostics }: DriverSession): string[] => diagnostics.map(({ code }) => code)

/** The one template below `templates`. */
export async function theTemplate(templates: string): Promise<string> {
  const names = (await readdir(templates)).filter((name) => /^[0-9a-f]{32}$/.test(name))
  expect(names).toHaveLength(1)
  return join(templates, names[0] ?? '')
}

/** The QEMUs that this process has started and that run. */
export async function ourQemus(): Promise<number[]> {
  const { pid } = process
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ')
  const found: number[] = []
  for (const child of children) {
    const status = await readFile(`/proc/${child}/status`, 'utf8').catch(() => '')
    if (/^Name:\tqemu/.test(status) && !status.includes('\nState:\tZ')) found.push(Number(child))
  }
  return found
}

/** The same context with another cache directory. */
export const withCache = (cacheDirectory: string): { readonly cacheDirectory: ReturnType<typeof hostPath> } => ({
  cacheDirectory: hostPath(cacheDirectory),
})
