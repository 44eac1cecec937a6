import type { ExecOptions, ExecResult, RawFs, ToolHost } from '@host-deployer/driver-api'
import { type Argv, assertArgv, describeArgv } from './argv.ts'
import { aborted, DEFAULT_MAX_OUTPUT_BYTES, execFailed, execNotFound, execOutputLimit, execTimeout, sessionEnded } from './exec-errors.ts'
import { createLocalRawFs } from './local-raw-fs.ts'
import { killTree, signalBelow } from './process-tree.ts'
import type { SessionNamespace } from './session-namespace.ts'

export interface LocalToolHostOptions {
  /** Where programs are looked up. */
  readonly path?: string
  /** Programs run and files are seen in there. Default: where this process itself is. */
  readonly namespace?: SessionNamespace
  /** Part of the environment of every program. */
  readonly env?: Readonly<Record<string, string>>
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

type Exec = ToolHost['exec']

// What nsenter(1) says when there is no such program, on standard error and with the exit code a shell has for that.
const NOT_FOUND_IN_NAMESPACE = /^nsenter: failed to execute /

function createExec(path: string, { namespace, env }: LocalToolHostOptions): Exec {
  return async (argv: Argv, options: ExecOptions = {}): Promise<ExecResult> => {
    assertArgv(argv)
    if (namespace?.isOpen() === false) throw sessionEnded()
    // Fifty modules that a driver with a machine of its own never needs.
    const { execa } = await import('execa')
    const { signal, timeoutMs, maxOutputBytes = DEFAULT_MAX_OUTPUT_BYTES } = options
    if (signal?.aborted === true) throw aborted(signal, describeArgv(argv))
    const [file, ...parameters] = [...(namespace?.enter ?? []), ...argv] as [string, ...string[]]
    const child = execa(file, parameters, {
      // A process group of its own, so that one kill takes the whole tree.
      detached: true,
      cleanup: false,
      encoding: 'buffer',
      stripFinalNewline: false,
      reject: false,
      // The limit is ours to watch: execa's kills the child alone and then waits for whoever else holds the pipe.
      maxBuffer: Number.POSITIVE_INFINITY,
      extendEnv: false,
      env: { PATH: path, LC_ALL: 'C', ...env, ...options.env },
      input: options.stdin ?? '',
    })
    let stop: 'timeout' | 'abort' | 'limit' | undefined
    const kill = (reason: 'timeout' | 'abort' | 'limit'): void => {
      stop ??= reason
      if (child.pid !== undefined) (namespace === undefined ? killTree : killBelow)(child.pid)
      // A descendant that left the group may hold the pipes; nobody waits for it.
      child.stdout.destroy()
      child.stderr.destroy()
    }
    for (const stream of [child.stdout, child.stderr]) {
      let sizeBytes = 0
      stream.on('data', (chunk: Buffer) => {
        sizeBytes += chunk.length
        if (sizeBytes > maxOutputBytes) kill('limit')
      })
    }
    const timer = timeoutMs === undefined ? undefined : setTimeout(kill, timeoutMs, 'timeout')
    const onAbort = (): void => kill('abort')
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      const result = await child
      if (stop === 'abort') throw aborted(signal, describeArgv(argv))
      if (stop === 'timeout') throw execTimeout(argv, timeoutMs ?? 0)
      if (stop === 'limit') throw execOutputLimit(argv, maxOutputBytes)
      if (result.exitCode === undefined && result.signal === undefined) {
        throw result.code === 'ENOENT' || result.code === 'EACCES' ? execNotFound(argv, result.cause) : execFailed(argv, result.cause)
      }
      const { exitCode, stderr } = result
      if (namespace !== undefined && exitCode !== 0) {
        if (!namespace.isOpen()) throw sessionEnded()
        if (exitCode === 127 && NOT_FOUND_IN_NAMESPACE.test(Buffer.from(stderr).toString())) throw execNotFound(argv)
      }
      return { exitCode: result.exitCode ?? null, signal: result.signal ?? null, stdout: result.stdout, stderr: result.stderr }
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
  }
}

const killBelow = (pid: number): void => signalBelow(pid, 'SIGKILL')

/**
 * This machine as a tool host. `exec` starts programs directly in a process group of their own with an environment of `PATH`, `LC_ALL=C` and
 * what options and the call add; timeout, abort and output limit kill the whole tree. `EXEC_FAILED` when the system refuses to start a process.
 * Paths of `fs` are paths of this machine.
 *
 * With a namespace both are about what that session sees; `EXEC_CONNECTION_LOST`, for files, too, once it has ended.
 */
export function createLocalToolHost(options: LocalToolHostOptions = {}): ToolHost {
  const exec = createExec(options.path ?? DEFAULT_PATH, options)
  const fs: RawFs = createLocalRawFs(exec, options.namespace)
  return { exec, fs }
}
