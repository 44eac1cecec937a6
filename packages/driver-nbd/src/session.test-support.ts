import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DriverContext, type DriverSession, type HostPath, hostPath, type OpenRequest } from '@host-deployer/driver-api'
import { createFileLeaseJournal } from '@host-deployer/driver-kit'
import { type NbdOptions, optionsSchema } from './options.ts'

export interface Bed {
  readonly directory: string
  readonly workDirectory: HostPath
  readonly leaseDirectory: HostPath
  readonly context: DriverContext<NbdOptions>
  remove(): Promise<void>
}

/** Options as a user would give them. */
export const trusted = { trustImages: true, attach: 'fuse' } as const

export function contextIn(directory: string, options: unknown = trusted): DriverContext<NbdOptions> {
  return {
    options: optionsSchema.parse(options),
    workDirectory: hostPath(join(directory, 'work')),
    cacheDirectory: hostPath(join(directory, 'cache')),
    logger: { debug() {}, info() {}, warn() {} },
    leases: createFileLeaseJournal(hostPath(join(directory, 'leases'))),
  }
}

export async function createBed(options: unknown = trusted): Promise<Bed> {
  const directory = await mkdtemp(join(tmpdir(), 'driver-nbd-'))
  const context = contextIn(directory, options)
  await mkdir(context.workDirectory)
  return {
    directory,
    workDirectory: context.workDirectory,
    leaseDirectory: hostPath(join(directory, 'leases')),
    context,
    remove: () => rm(directory, { recursive: true, force: true }),
  }
}

export const requestOf = (
  path: string,
  access: 'read-write' | 'read-only' | 'scratch' = 'read-write',
  format: 'raw' | 'qcow2' = 'raw',
): OpenRequest => ({
  disks: [{ id: 'disk0', access, chain: [{ path: hostPath(path), format }] }],
})

/** Runs a program in the session, which has to succeed. */
export async function run(session: DriverSession, ...argv: [string, ...string[]]): Promise<string> {
  const { exitCode, stdout, stderr } = await session.toolHost.exec(argv, { timeoutMs: 60_000 })
  if (exitCode !== 0) throw new Error(`${argv.join(' ')}: ${Buffer.from(stderr).toString()}`)
  return Buffer.from(stdout).toString()
}

async function processesAbout(words: readonly string[]): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
  const lines = await Promise.all(
    pids.map(async (pid) => {
      const line = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ')
      return words.some((word) => line.includes(word)) ? [`${pid} ${line}`] : []
    }),
  )
  return lines.flat()
}

/** The session's own processes: they carry its id. */
export async function sessionIds({ workDirectory }: Pick<Bed, 'workDirectory'>): Promise<string[]> {
  return (await readdir(workDirectory)).map((name) => name.replace('session-', ''))
}

/** Every trace of the given sessions on this machine, and what lies in work and lease directory. */
export async function residueOf(bed: Bed, ids: readonly string[]): Promise<string[]> {
  const loops = await Promise.all(
    (await readdir('/sys/block'))
      .filter((name) => name.startsWith('loop'))
      .map(async (name) => `${name} ${(await readFile(`/sys/block/${name}/loop/backing_file`, 'utf8').catch(() => '')).trim()}`),
  )
  return [
    ...loops.filter((loop) => ids.some((id) => loop.includes(id))),
    ...(await processesAbout(ids)),
    ...(await readdir(bed.workDirectory)),
    ...(await readdir(bed.leaseDirectory).catch(() => [])),
  ]
}
