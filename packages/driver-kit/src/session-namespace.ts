import { type ChildProcess, spawn } from 'node:child_process'
import { readlinkSync } from 'node:fs'
import { DriverError, type HeldLease, type LeaseJournal } from '@host-deployer/driver-api'
import { acquireLeased } from './acquire-leased.ts'
import { becomesTrue } from './becomes-true.ts'
import { PROGRAM_DIRECTORIES } from './find-program.ts'
import { entranceOf, hasEnded, type NamespaceParts, namespaceDetails } from './namespace-end.ts'
import { identifyProcess } from './process-identity.ts'
import { processNamespaceOf } from './process-namespace.ts'
import type { ResourceStack } from './resource-stack.ts'

/** A mount and process namespace of its own for one session, on this machine. It ends with this process, and everything in it with it. */
export interface SessionNamespace {
  /** Put before a command line, it runs in there. */
  readonly enter: readonly [string, ...string[]]
  /** Its root directory, as this process sees it. */
  readonly root: string
  isOpen(): boolean
}

// The first process of the namespace: its children are nobody's business (an ignored SIGCHLD reaps them), and it ends when its standard input does,
// should the parent's death signal ever be lost. It says its number outside; the mark stays among its arguments, as the name of a file that is not there.
const INIT = 'trap "" CHLD; read -r pid rest </proc/self/stat; echo "$pid"; exec cat - "$0" >/dev/null 2>&1'

const END_TIMEOUT_MS = 10_000

interface Holder {
  readonly child: ChildProcess
  /** `undefined` when it has ended at once. */
  readonly parts: NamespaceParts | undefined
}

async function partsOf(initPid: number, holderPid: number | undefined): Promise<NamespaceParts | undefined> {
  const [init, namespace, holder] = await Promise.all([
    identifyProcess(initPid),
    processNamespaceOf(initPid),
    identifyProcess(holderPid ?? 0),
  ])
  return init === undefined || namespace === undefined || holder === undefined ? undefined : { init, namespace, holder }
}

async function start(marker: string): Promise<Holder> {
  // setpriv: SIGKILL when we die, kept over exec. unshare --kill-child: its child dies with it, and with that first process all others of the namespace.
  const argv = ['--pdeathsig', 'KILL', '--', 'unshare', '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child', '--']
  const child = spawn('setpriv', [...argv, 'sh', '-c', INIT, marker], {
    // A group of its own: Ctrl-C is for us, we then close in order.
    detached: true,
    cwd: '/',
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: PROGRAM_DIRECTORIES.join(':'), LC_ALL: 'C' },
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk
  })
  child.stdin.on('error', () => {})
  const number = await new Promise<number>((resolve, reject) => {
    const failed = (reason: string, cause?: unknown): void => {
      const hint = 'Run as root (in a container: privileged), with util-linux installed.'
      reject(new DriverError('DRIVER_NAMESPACE_FAILED', `No mount namespace could be made: ${reason}`, { hint, cause }))
    }
    child.stdout.once('data', (line: Buffer) => resolve(Number(line.toString())))
    child.once('error', (error) => failed(error.message, error))
    child.once('close', (code) => failed(said.trim() || `exit code ${code}`))
  })
  return { child, parts: await partsOf(number, child.pid) }
}

/** Killed with the first process, the others end on their own; what they held is free when none of them runs any more. */
async function end({ child, parts }: Holder): Promise<void> {
  await new Promise<void>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    else child.once('exit', () => resolve())
    child.stdin?.destroy()
    child.kill('SIGKILL')
  })
  if (parts === undefined || (await becomesTrue(() => hasEnded(parts), END_TIMEOUT_MS))) return
  throw new Error('a program in it does not end: it waits for a device')
}

/**
 * Opens a namespace. Mounts in it are seen by nobody else and are gone with it; a process in it cannot outlive it, whatever ends this process. `id` is
 * the session's, by which its remains are found. `DRIVER_NAMESPACE_FAILED`.
 */
export async function openSessionNamespace(
  { id, leases }: { readonly id: string; readonly leases: LeaseJournal },
  stack: ResourceStack,
): Promise<SessionNamespace> {
  const marker = `host-deployer-session-${id}`
  let programs: HeldLease | undefined
  const { child, parts } = await acquireLeased(leases, stack, {
    what: 'session namespace',
    lease: { kind: 'process', details: { marker } },
    acquire: () => start(marker),
    async release(holder) {
      try {
        await end(holder)
      } catch (error) {
        await programs?.quarantine?.(String(error)).catch(() => {})
        throw error
      }
      await programs?.()
    },
  })
  // Known only now, and nothing runs in it yet. By the mark alone a reclaim would find neither a first process that is about to end nor the others.
  if (parts !== undefined) programs = await leases.record({ kind: 'process', details: namespaceDetails(parts) })
  const namespaces = `/proc/${child.pid}/ns`
  return {
    enter: ['nsenter', ...entranceOf(child.pid ?? 0), '--'],
    root: `/proc/${child.pid}/root`,
    isOpen() {
      if (child.exitCode !== null || child.signalCode !== null) return false
      try {
        // Of a process that has ended and was not waited for yet there is no such link.
        readlinkSync(`${namespaces}/mnt`)
        return true
      } catch {
        return false
      }
    },
  }
}
