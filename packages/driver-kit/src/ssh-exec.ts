import { randomUUID } from 'node:crypto'
import { DeployError, type ExecOptions, type ExecResult, type ToolHost } from '@host-deployer/driver-api'
import type { ClientChannel } from 'ssh2'
import { type Argv, assertArgv, describeArgv } from './argv.ts'
import { aborted, DEFAULT_MAX_OUTPUT_BYTES, execFailed, execNotFound, execOutputLimit, execTimeout } from './exec-errors.ts'
import { sshCommand } from './ssh-command-line.ts'
import type { SshConnection } from './ssh-connection.ts'
import { createTurnstile } from './turnstile.ts'

export interface SshExecOptions {
  /** `PATH` of the programs. */
  readonly path: string
  /** For calls without a `timeoutMs` of their own. Absent: no limit. */
  readonly defaultTimeoutMs?: number | undefined
  readonly maxChannels: number
}

const MARK = 'HOST_DEPLOYER_EXEC'

// A server passes no signals, and a tree may have left its group: every process that carries the mark, in its environment or (a shell that has
// not started the program yet) in its command line, is killed until a round finds none. Cut in two, the mark does not match this script itself.
function killScript(mark: string): string {
  const pattern = `'${mark.slice(0, 9)}''${mark.slice(9)}'`
  const found = `$(grep -ls -e ${pattern} /proc/[0-9]*/environ /proc/[0-9]*/cmdline)`
  const round = `for f in ${found}; do p="\${f#/proc/}"; kill -9 "\${p%/*}" 2>/dev/null && n=1; done`
  return `i=0; n=1; while [ "$n" = 1 ] && [ "$i" -lt 20 ]; do n=0; i=$((i+1)); ${round}; done`
}

// How long a dying tree or a hanging machine may hold up the answer to a timeout.
const KILL_GRACE_MS = 10_000

type Stop = 'timeout' | 'abort' | 'limit'

type Outcome = Omit<ExecResult, 'stdout' | 'stderr'>

/** Resolves when the call has to end early. `dispose` takes back timer and listener. */
function stopWatch(signal: AbortSignal | undefined, timeoutMs: number | undefined) {
  const { promise, resolve } = Promise.withResolvers<Stop>()
  const timer = timeoutMs === undefined ? undefined : setTimeout(resolve, timeoutMs, 'timeout')
  const onAbort = (): void => resolve('abort')
  signal?.addEventListener('abort', onAbort, { once: true })
  return {
    stopped: promise,
    stop: resolve,
    dispose: (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    },
  }
}

/** Keeps what arrives on a stream; calls `onLimit` instead once it is too much. */
function collect(stream: NodeJS.ReadableStream, limit: number, onLimit: () => void): () => Buffer {
  const chunks: Buffer[] = []
  let size = 0
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > limit) onLimit()
    else chunks.push(chunk)
  })
  return () => Buffer.concat(chunks)
}

interface OpenChannel {
  readonly channel: ClientChannel
  /** Settles when the channel is closed; never when its connection goes. */
  readonly outcome: Promise<Outcome>
}

/**
 * How the program ends. To be called in the very turn the channel is opened in: when this process was busy, everything about a short program arrives
 * at once, its exit before any continuation of ours runs.
 */
function outcomeOf(channel: ClientChannel): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>()
  // dropbear reports only the signals named in RFC 4254 and is silent about others.
  let outcome: Outcome = { exitCode: null, signal: 'UNKNOWN' }
  channel.on('exit', (code: number | null, signal?: string) => {
    outcome = { exitCode: code, signal: code === null ? (signal ?? 'UNKNOWN') : null }
  })
  // A program may end without reading all of its input.
  channel.on('error', () => {})
  channel.on('close', () => resolve(outcome))
  return promise
}

/** `ToolHost.exec` over an SSH connection. At most `maxChannels` programs run at once, further calls wait for their turn. */
export function createSshExec(connection: SshConnection, settings: SshExecOptions): ToolHost['exec'] {
  const turnstile = createTurnstile(settings.maxChannels)
  const open = (commandLine: string): Promise<OpenChannel> =>
    connection.run((resolve, reject) => {
      connection.client.exec(commandLine, (error, channel) => {
        if (error === undefined) resolve({ channel, outcome: outcomeOf(channel) })
        else reject(error)
      })
    })

  const kill = async (mark: string): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, KILL_GRACE_MS)
    const run = open(killScript(mark)).then(({ channel, outcome }) => {
      outcome.then(() => resolve())
      channel.on('error', () => resolve())
      channel.resume()
      channel.stderr.resume()
      channel.end()
    })
    run.catch(() => resolve())
    await promise
    clearTimeout(timer)
  }

  const execMarked = async (argv: Argv, options: ExecOptions, mark: string): Promise<ExecResult | Stop> => {
    const notFoundToken = randomUUID()
    const env = { PATH: settings.path, LC_ALL: 'C', [MARK]: mark, ...options.env }
    const { commandLine, stdinPrefix } = sshCommand({ argv, env, mark, notFoundToken })
    const watch = stopWatch(options.signal, options.timeoutMs ?? settings.defaultTimeoutMs)
    try {
      const opening = open(commandLine)
      const opened = await Promise.race([opening, watch.stopped])
      if (typeof opened === 'string') {
        opening.then(({ channel }) => channel.destroy()).catch(() => {})
        return opened
      }
      const { channel } = opened
      const limit = options.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES
      const stdout = collect(channel, limit, () => watch.stop('limit'))
      const stderr = collect(channel.stderr, limit, () => watch.stop('limit'))
      const ending = connection.run<Outcome>((resolve) => void opened.outcome.then(resolve))
      if (stdinPrefix !== '') channel.write(stdinPrefix)
      channel.end(options.stdin)
      const outcome = await Promise.race([ending, watch.stopped])
      if (typeof outcome === 'string') {
        ending.catch(() => {})
        return outcome
      }
      // Channels also close, without a word, when their connection does: one more round trip tells.
      if (outcome.signal === 'UNKNOWN') (await open(':')).channel.destroy()
      if (outcome.exitCode === 127 && stderr().toString() === notFoundToken) throw execNotFound(argv)
      return { ...outcome, stdout: stdout(), stderr: stderr() }
    } catch (error) {
      throw DeployError.isInstance(error) ? error : execFailed(argv, error)
    } finally {
      watch.dispose()
    }
  }

  return async (argv: Argv, options: ExecOptions = {}): Promise<ExecResult> => {
    assertArgv(argv)
    // The shell would take it as an option of its own; no program has such a name.
    if (argv[0].startsWith('-')) throw execNotFound(argv)
    const leave = await turnstile.enter()
    try {
      if (options.signal?.aborted === true) throw aborted(options.signal, describeArgv(argv))
      const mark = randomUUID()
      const result = await execMarked(argv, options, mark)
      if (typeof result === 'object') return result
      await kill(mark)
      if (result === 'timeout') throw execTimeout(argv, options.timeoutMs ?? settings.defaultTimeoutMs ?? 0)
      if (result === 'abort') throw aborted(options.signal, describeArgv(argv))
      throw execOutputLimit(argv, options.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES)
    } finally {
      leave()
    }
  }
}
