import type { ExecOptions, ExecResult, RawFs, ToolHost } from '@host-deployer/driver-api'
import { type Argv, assertArgv, describeArgv } from './argv.ts'
import { aborted, DEFAULT_MAX_OUTPUT_BYTES, execFailed, execNotFound, execOutputLimit, execTimeout } from './exec-errors.ts'
import { createLocalRawFs } from './local-raw-fs.ts'

export interface LocalToolHostOptions {
  /** Where programs are looked up. */
  readonly path?: string
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

type Exec = ToolHost['exec']

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    // ESRCH: it ended in this very moment.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function createExec(path: string): Exec {
  return async (argv: Argv, options: ExecOptions = {}): Promise<ExecResult> => {
    assertArgv(argv)
    // Fifty modules that a driver with a machine of its own never needs.
    const { execa } = await import('execa')
    const { signal, timeoutMs, maxOutputBytes = DEFAULT_MAX_OUTPUT_BYTES } = options
    if (signal?.aborted === true) throw aborted(signal, describeArgv(argv))
    const [file, ...parameters] = argv
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
      env: { PATH: path, LC_ALL: 'C', ...options.env },
      input: options.stdin ?? '',
    })
    let stop: 'timeout' | 'abort' | 'limit' | undefined
    const kill = (reason: 'timeout' | 'abort' | 'limit'): void => {
      stop ??= reason
      killGroup(child.pid)
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
      return { exitCode: result.exitCode ?? null, signal: result.signal ?? null, stdout: result.stdout, stderr: result.stderr }
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
  }
}

/**
 * This machine as a tool host. `exec` starts programs directly in a process group of their own with an environment of `PATH`, `LC_ALL=C` and
 * what the call adds; timeout, abort and output limit kill the group. `EXEC_FAILED` when the system refuses to start a process.
 * Paths of `fs` are paths of this machine.
 */
export function createLocalToolHost(options: LocalToolHostOptions = {}): ToolHost {
  const exec = createExec(options.path ?? DEFAULT_PATH)
  const fs: RawFs = createLocalRawFs(exec)
  return { exec, fs }
}
