import { spawn } from 'node:child_process'
import { DriverError } from '@host-deployer/driver-api'
import { becomesTrue, PROGRAM_DIRECTORIES, type ResourceStack, type SessionNamespace, signalBelow } from '@host-deployer/driver-kit'

/** A program that runs as long as its session does. */
export interface SessionProgram {
  isRunning(): boolean
  /** Resolves at its end. */
  readonly ended: Promise<void>
  /** The start of what it has said went wrong. */
  stderr(): string
  /** Waits for its end. `false`: it still runs. */
  endsWithin(timeoutMs: number): Promise<boolean>
}

export interface SessionProgramInput {
  readonly namespace: SessionNamespace
  readonly argv: readonly [string, ...string[]]
  /** It finds these from number 3 on. */
  readonly descriptors?: readonly number[]
  /** Asks it to end, before it is told to. `false`: that was not possible. */
  readonly stop?: () => Promise<boolean>
  /** After which it is killed. */
  readonly stopTimeoutMs: number
}

const MAX_STDERR_CHARACTERS = 16_384
// To flush what it holds takes qemu-nbd a while; a close has had that done before.
const TERM_TIMEOUT_MS = 3_000

/**
 * Starts a program in the session's namespaces, where it ends with them. Registered with `stack`: on release it is asked to end, then SIGTERM, then
 * SIGKILL. `DRIVER_PROGRAM_FAILED` when it cannot be started at all.
 */
export async function startSessionProgram(input: SessionProgramInput, stack: ResourceStack): Promise<SessionProgram> {
  const [file, ...parameters] = [...input.namespace.enter, ...input.argv] as [string, ...string[]]
  const child = spawn(file, parameters, {
    // A group of its own: nsenter waits for the program and is signalled with it, and Ctrl-C does not reach either.
    detached: true,
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe', ...(input.descriptors ?? [])],
    env: { PATH: PROGRAM_DIRECTORIES.join(':'), LC_ALL: 'C' },
  })
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    if (said.length < MAX_STDERR_CHARACTERS) said += chunk
  })
  // The program inherits standard error from nsenter: it is closed when both have ended.
  let running = true
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      running = false
      resolve()
    })
  })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (error) => {
      running = false
      reject(new DriverError('DRIVER_PROGRAM_FAILED', `${input.argv[0]} could not be started: ${error.message}`, { cause: error }))
    })
  })
  const endsWithin = (timeoutMs: number): Promise<boolean> => becomesTrue(async () => !running, timeoutMs)
  stack.defer(input.argv[0], async () => {
    if (!running) return
    if ((await input.stop?.()) === true && (await endsWithin(input.stopTimeoutMs))) return
    for (const name of ['SIGTERM', 'SIGTERM', 'SIGKILL'] as const) {
      if (child.pid !== undefined) signalBelow(child.pid, name)
      if (await endsWithin(name === 'SIGTERM' ? TERM_TIMEOUT_MS : input.stopTimeoutMs)) return
    }
    throw new Error('it was killed and does not end: it waits for a device')
  })
  return { isRunning: () => running, ended, stderr: () => said.trim(), endsWithin }
}
