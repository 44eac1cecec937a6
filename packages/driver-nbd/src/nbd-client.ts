import { spawn } from 'node:child_process'
import { DriverError } from '@host-deployer/driver-api'
import { becomesTrue, PROGRAM_DIRECTORIES } from '@host-deployer/driver-kit'

/** An nbd-client(8) that waits for the word. */
export interface NbdClient {
  /** The kernel names it as who has attached the device. */
  readonly pid: number
  /** Has it attach the device. `undefined`: it has not come to an end within the time; the signal's reason when that fires. */
  connect(
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly exitCode: number | null; readonly stderr: string } | undefined>
  /** Kills it, if need be. Resolves when it does not run any more. */
  end(): Promise<void>
}

// What waits becomes nbd-client itself: the number stays. It ends when we do, before the word is said and after.
const GATE = 'read -r go && exec "$@"'

/** Blocks of the device: the unit of partition tables. The default of nbd-client has been 1024 as well. */
const SECTOR_BYTES = 512

const END_TIMEOUT_MS = 10_000

/** `DRIVER_PROGRAM_FAILED` when it cannot be started. */
export async function startNbdClient(socket: string, device: string): Promise<NbdClient> {
  const client = ['nbd-client', '-unix', socket, device, '-name', '', '-block-size', String(SECTOR_BYTES)]
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'sh', '-c', GATE, 'sh', ...client], {
    detached: true,
    cwd: '/',
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { PATH: PROGRAM_DIRECTORIES.join(':'), LC_ALL: 'C' },
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk
  })
  child.stdin.on('error', () => {})
  let running = true
  child.once('close', () => {
    running = false
  })
  const endsWithin = (timeoutMs: number, signal?: AbortSignal): Promise<boolean> => becomesTrue(async () => !running, timeoutMs, signal)
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (cause) => {
      reject(new DriverError('DRIVER_PROGRAM_FAILED', `nbd-client could not be started: ${cause.message}`, { cause }))
    })
  })
  return {
    pid: child.pid ?? 0,
    async connect(timeoutMs, signal) {
      signal?.throwIfAborted()
      child.stdin.end('go\n')
      if (await endsWithin(timeoutMs, signal)) return { exitCode: child.exitCode, stderr: stderr.trim() }
      signal?.throwIfAborted()
      return undefined
    },
    async end() {
      child.kill('SIGKILL')
      if (!(await endsWithin(END_TIMEOUT_MS))) throw new Error('it was killed and does not end')
    },
  }
}
