import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { get } from 'node:http'
import { createDeployClient, type DeployClient } from '@host-deployer/api/grpc'
import { ensureAppliance } from './appliance.ts'
import { applianceDirectory } from './appliance-directory.ts'
import { cacheDirectory } from './cache.ts'
import { commandLine } from './command-line.ts'
import type { Workspace } from './workspace.ts'

/** The part of the status document that tests look at. */
export interface DaemonStatus {
  readonly ready: boolean
  readonly work: {
    readonly slots: { readonly total: number; readonly busy: number; readonly quarantined: number }
    readonly jobs: readonly { readonly id: string; readonly state: string; readonly phase: string | null; readonly image: string }[]
    readonly workers: { readonly spare: number; readonly running: number }
    readonly residue: readonly unknown[]
  }
}

/** A line of the daemon's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly event: string }

export interface RunningDaemon {
  readonly pid: number
  readonly socketPath: string
  /** What it has logged so far. */
  readonly lines: readonly LogLine[]
  /** A client with a connection of its own. */
  client(): DeployClient
  status(): Promise<DaemonStatus>
  /** Resident memory of the daemon's own process. */
  residentBytes(): Promise<number>
  /** Its worker processes. */
  workers(): Promise<number[]>
  /** Sends a signal and waits for the end: the exit code, null when the signal itself ended it. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

const started = new Set<ChildProcess>()

/**
 * Starts `host-deployer serve` of this checkout with its sockets, state and work in the workspace, and waits until it serves, ready or not. `settings` win. The workspace
 * may be used again by the next daemon. Ended with the tests of the file.
 */
export async function startDaemon(space: Workspace, settings: Readonly<Record<string, unknown>> = {}): Promise<RunningDaemon> {
  await ensureAppliance()
  const socketPath = space.path('deploy.sock')
  const all = {
    socketPath,
    stateDirectory: space.path('state'),
    workDirectory: space.path('work'),
    cacheDirectory: cacheDirectory(),
    imageRoots: [space.directory, cacheDirectory()],
    driverOptions: { appliance: applianceDirectory() },
    ...settings,
  }
  const file = await space.write('settings.yaml', JSON.stringify(all))
  const [node, ...args] = commandLine(['serve', '--settings', file])
  const child = spawn(node, args, { stdio: ['ignore', 'ignore', 'pipe'], cwd: space.directory })
  started.add(child)
  const exited = once(child, 'exit') as Promise<[number | null]>
  void exited.then(() => started.delete(child))
  const lines = collectLog(child, space.path('daemon.log'))
  await Promise.race([
    lines.ready,
    exited.then(([code]) => {
      throw new Error(`the daemon ended with ${code}: ${lines.text()}`)
    }),
  ])
  const pid = child.pid ?? 0
  return {
    pid,
    socketPath,
    lines: lines.parsed,
    client: () => createDeployClient(socketPath),
    status: () => askStatus(space.path('state', 'admin.sock')),
    async residentBytes() {
      const [, kib] = /VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? []
      return Number(kib) * 1024
    },
    async workers() {
      const pids = await childrenOf(pid)
      const isWorker = async (child_: number) =>
        (await readFile(`/proc/${child_}/cmdline`, 'utf8').catch(() => '')).includes('host-deployer-worker')
      const found = await Promise.all(pids.map(async (one) => ((await isWorker(one)) ? [one] : [])))
      return found.flat()
    },
    async end(signal) {
      child.kill(signal)
      const [code] = await exited
      return code
    },
  }
}

/** Ends every daemon that a test has left running. */
export async function endDaemons(): Promise<void> {
  for (const child of started) {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}

function collectLog(child: ChildProcess, path: string) {
  const parsed: LogLine[] = []
  const ready = Promise.withResolvers<void>()
  const file = createWriteStream(path, { flags: 'a' })
  let text = ''
  let rest = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    file.write(chunk)
    text = (text + chunk).slice(-20_000)
    const parts = (rest + chunk).split('\n')
    rest = parts.pop() ?? ''
    for (const line of parts) {
      if (!line.startsWith('{')) continue
      const entry = JSON.parse(line) as LogLine
      parsed.push(entry)
      if (entry.event === 'daemon.ready' || entry.event === 'daemon.unready') ready.resolve()
    }
  })
  // Not at its exit: what it said last may still be in the pipe.
  child.once('close', () => file.end())
  return { parsed, ready: ready.promise, text: () => text }
}

/** Direct children of a process. */
export async function childrenOf(parent: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const found = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent ? [pid] : []
    }),
  )
  return found.flat()
}

/** What the daemon says of itself, asked without the command in between: that takes as long as some phases of a job. */
export function askStatus<Status = DaemonStatus>(socketPath: string): Promise<Status> {
  return new Promise((resolve, reject) => {
    get({ socketPath, path: '/status' }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk
      })
      response.once('end', () => resolve(JSON.parse(body) as Status))
    }).once('error', reject)
  })
}
