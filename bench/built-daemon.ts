import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { applianceDirectory } from '@host-deployer/e2e/lib/appliance-directory'
import { cacheDirectory } from '@host-deployer/e2e/lib/cache'
import { builtMain } from './built-command.ts'
import type { Place } from './place.ts'

/** The daemon that users install, while it runs. */
export interface BuiltDaemon {
  readonly socketPath: string
  /** From the spawn until it has said so for the first time: `daemon.ready`, `driver.prepared`. Rejects when it ends before. */
  secondsUntil(event: string): Promise<number>
  stop(): Promise<void>
}

/** Starts it with directories of its own below the place; templates are in `cache`, or where those of the command are. */
export async function startBuiltDaemon(place: Place, cache = cacheDirectory()): Promise<BuiltDaemon> {
  const directory = join(place.directory, 'daemon')
  await mkdir(directory, { recursive: true, mode: 0o711 })
  const socketPath = join(directory, 'deploy.sock')
  const settings = {
    socketPath,
    stateDirectory: join(directory, 'state'),
    workDirectory: join(directory, 'work'),
    cacheDirectory: cache,
    imageRoots: [place.directory, dirname(place.image)],
    driverOptions: { appliance: applianceDirectory() },
  }
  const file = join(directory, 'settings.yaml')
  await writeFile(file, JSON.stringify(settings))
  const started = performance.now()
  const child = spawn(process.execPath, [builtMain, 'serve', '--settings', file], { stdio: ['ignore', 'ignore', 'pipe'], cwd: directory })
  const said = watch(child, started)
  return {
    socketPath,
    secondsUntil: (event) => said(event),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

function watch(child: ChildProcess, started: number): (event: string) => Promise<number> {
  const seen = new Map<string, PromiseWithResolvers<number>>()
  const lines: string[] = []
  const of = (event: string) => {
    const known = seen.get(event) ?? Promise.withResolvers<number>()
    known.promise.catch(() => {})
    seen.set(event, known)
    return known
  }
  if (child.stderr === null) throw new TypeError('standard error is no pipe')
  createInterface({ input: child.stderr }).on('line', (line) => {
    const at = (performance.now() - started) / 1000
    lines.push(line)
    if (line.startsWith('{')) of((JSON.parse(line) as { event: string }).event).resolve(at)
  })
  child.once('exit', () => {
    for (const waiting of seen.values()) waiting.reject(new Error(`the daemon has ended:\n${lines.slice(-5).join('\n')}`))
  })
  return (event) => of(event).promise
}
