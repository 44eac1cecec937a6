// Another process that has a session of the driver under test: the kit kills it and looks at what is left. This very module is its program, also when
// it is bundled into one file with the rest.
import { access, appendFile, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DeployError, type DriverContext, type ExecResult, type OpenRequest } from '@host-deployer/driver-api'
import { createFileLeaseJournal, createLocalToolHost } from '@host-deployer/driver-kit'
import { importDriver } from './import-driver.ts'
import { settled } from './settled.ts'
import type { TestBed } from './test-bed.ts'

/** The first argument of such a process. */
const MARK = '--driver-testkit-session-owner'

/** When the process kills itself with SIGKILL; `stay`: when it is told to, it closes the session and ends. */
export type Moment =
  | { readonly kind: 'lease'; readonly count: number }
  | { readonly kind: 'open' }
  | { readonly kind: 'running' }
  | { readonly kind: 'closing' }
  | { readonly kind: 'stay' }

export interface SessionOwnerInput {
  readonly request: OpenRequest
  readonly moment: Moment
}

/** What such a process is told. */
interface Orders extends SessionOwnerInput {
  readonly module: string
  readonly context: Pick<DriverContext<unknown>, 'options' | 'workDirectory' | 'cacheDirectory'>
  readonly leaseDirectory: DriverContext<unknown>['workDirectory']
  /** The process says here how far it is, one word a line. */
  readonly log: string
  /** It may go when this file is there. */
  readonly go: string
}

export interface SessionOwner {
  /** Resolves when it has come so far. Rejects with what it said when it ends before. */
  reached(word: string): Promise<void>
  /** Tells it to close and end, and waits for that. */
  letGo(): Promise<void>
  /** Resolves when it has ended. */
  readonly ended: Promise<ExecResult>
}

/** Starts a process that opens a session. The caller waits for its end. */
export async function startSessionOwner(bed: TestBed, { request, moment }: SessionOwnerInput): Promise<SessionOwner> {
  if (bed.module === undefined) throw new TypeError('There is no module to load the driver from')
  const directory = await bed.makeDirectory(`owner-${performance.now()}`)
  const { options, workDirectory, cacheDirectory } = bed.context
  const [log, go, said] = [join(directory, 'log'), join(directory, 'go'), join(directory, 'said')]
  const context = { options, workDirectory, cacheDirectory }
  const orders: Orders = { request, moment, module: bed.module.href, context, leaseDirectory: bed.leaseDirectory, log, go }
  await writeFile(log, '')
  await writeFile(join(directory, 'orders.json'), JSON.stringify(orders))
  // What it runs with is what we run with, as far as it decides how modules are found.
  const flags = process.execArgv.filter((flag) => /^(--conditions|-C|--import|--disable-warning)=/.test(flag))
  const program = [process.execPath, ...flags, fileURLToPath(import.meta.url), MARK, join(directory, 'orders.json')]
  // Its output goes to a file, so that a process it leaves behind does not hold our pipe.
  const argv = ['sh', '-c', 'f=$1; shift; exec "$@" >"$f" 2>&1 </dev/null', 'sh', said, ...program] as const
  const ended = createLocalToolHost().exec(argv, { timeoutMs: 120_000 })
  ended.catch(() => {})
  let isOver = false
  ended
    .finally(() => {
      isOver = true
    })
    .catch(() => {})
  const words = async (): Promise<string[]> => (await readFile(log, 'utf8')).split('\n')
  return {
    ended,
    async reached(word) {
      await settled(words, (found) => isOver || found.includes(word), 110_000)
      const found = await words()
      if (!found.includes(word))
        throw new Error(`The process with the session came as far as ${found.join(' ')}: ${await readFile(said, 'utf8')}`)
    },
    async letGo() {
      await writeFile(go, '')
      await ended
    },
  }
}

const killSelf = (): void => void process.kill(process.pid, 'SIGKILL')

async function obey({ request, moment, module, context, leaseDirectory, log, go }: Orders): Promise<void> {
  const say = (word: string): Promise<void> => appendFile(log, `${word}\n`)
  const journal = createFileLeaseJournal(leaseDirectory)
  let leases = 0
  const leasesWatched: typeof journal = {
    async record(lease) {
      const strike = await journal.record(lease)
      leases += 1
      if (moment.kind === 'lease' && moment.count === leases) killSelf()
      return strike
    },
  }
  const driver = await importDriver(new URL(module))
  const quiet = { debug() {}, info() {}, warn() {} }
  await say('ready')
  const session = await driver.open(request, { ...context, logger: quiet, leases: leasesWatched })
  await say('open')
  if (moment.kind === 'open') killSelf()
  if (moment.kind === 'running') {
    // With a working directory that shows whose it is. It says on the tool host that it has come there.
    const running = `${dirname(log)}/running`
    const script = 'mkdir -p "$1" "$2" && cd "$1" && : >"$2/running" && exec sleep 300'
    session.toolHost.exec(['sh', '-c', script, 'sh', context.workDirectory, dirname(log)]).catch(() => {})
    const isThere = async (): Promise<boolean> => (await session.toolHost.exec(['ls', running])).exitCode === 0
    if (await settled(isThere, (there) => there)) killSelf()
    throw new Error('The program does not start')
  }
  if (moment.kind === 'stay') {
    const isThere = (): Promise<boolean> =>
      access(go).then(
        () => true,
        () => false,
      )
    await settled(isThere, (there) => there, 110_000)
  }
  const closing = session.close()
  if (moment.kind === 'closing') setTimeout(killSelf, 2)
  await closing
  await say('closed')
}

/** Whether this process is one of those; then it does as told and ends. */
export async function obeyAsSessionOwner(): Promise<boolean> {
  const [, , mark, path] = process.argv
  if (mark !== MARK || path === undefined) return false
  try {
    await obey(JSON.parse(await readFile(path, 'utf8')) as Orders)
  } catch (error) {
    process.stderr.write(`${DeployError.isInstance(error) ? error.code : ''} ${error instanceof Error ? error.stack : error}\n`)
    process.exitCode = 1
  }
  // Whatever the driver left running shall not keep this process.
  process.exit()
}

await obeyAsSessionOwner()
