import { mkdir } from 'node:fs/promises'
import type { LeaseJournal, ToolHost } from '@host-deployer/driver-api'
import { createLocalToolHost, openSessionNamespace, type ResourceStack, type SessionNamespace } from '@host-deployer/driver-kit'
import { makeRunDirectory, RUN_DIRECTORY } from './run-directory.ts'

/** Where people and tests mount by hand: private, too, unless the machine keeps files of ours below. */
const MNT_DIRECTORY = '/mnt'

/** The private part of this machine that a session works in. */
export interface SessionPlace {
  readonly id: string
  readonly namespace: SessionNamespace
  /** A directory (0700) only this session sees: sockets, mount points, LVM's configuration. As seen in the namespace. */
  readonly directory: string
  /** A path of the namespace as this process reaches it. */
  fromOutside(path: string): string
  readonly exec: ToolHost['exec']
}

export interface SessionPlaceInput {
  readonly id: string
  readonly leases: LeaseJournal
  /** Has to stay visible. */
  readonly workDirectory: string
}

async function run(exec: ToolHost['exec'], ...argv: [string, ...string[]]): Promise<void> {
  const { exitCode, stderr } = await exec(argv, { timeoutMs: 30_000 })
  if (exitCode !== 0) throw new Error(`${argv.join(' ')}: ${Buffer.from(stderr).toString().trim()}`)
}

/** Opens the namespaces and puts an empty file system on the directories where things get mounted: sessions never see each other's. */
export async function openSessionPlace(input: SessionPlaceInput, stack: ResourceStack): Promise<SessionPlace> {
  const namespace = await openSessionNamespace(input, stack)
  const { exec } = createLocalToolHost({ namespace })
  await makeRunDirectory()
  const tmpfs = ['mount', '-t', 'tmpfs', '-o', 'mode=0700,size=16m,nosuid,nodev,noexec', 'host-deployer'] as const
  const hidesWork = `${input.workDirectory}/`.startsWith(`${MNT_DIRECTORY}/`)
  await Promise.all([RUN_DIRECTORY, ...(hidesWork ? [] : [MNT_DIRECTORY])].map((target) => run(exec, ...tmpfs, target)))
  const directory = `${RUN_DIRECTORY}/.session`
  const fromOutside = (path: string): string => `${namespace.root}${path}`
  await mkdir(fromOutside(directory), { mode: 0o700 })
  return { id: input.id, namespace, directory, fromOutside, exec }
}
