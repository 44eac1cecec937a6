import type { RawFs } from './raw-fs.ts'

export interface ExecOptions {
  /** Bytes for standard input, which is closed after them. Absent: standard input is empty. */
  readonly stdin?: Uint8Array | string
  /** Kill the whole process tree and reject with `EXEC_TIMEOUT` after this long. */
  readonly timeoutMs?: number
  /** Kill the process tree and reject with `ABORTED`. */
  readonly signal?: AbortSignal
  /** Kill the process tree and reject with `EXEC_OUTPUT_LIMIT` when standard output or error grows beyond this. Default 16 MiB. */
  readonly maxOutputBytes?: number
  /** Added to the tool host's own small environment (`PATH`, `LC_ALL=C`); nothing else is inherited. */
  readonly env?: Readonly<Record<string, string>>
}

export interface ExecResult {
  /** 0 to 255, or `null` when a signal ended the process. */
  readonly exitCode: number | null
  /** The signal's name, `SIGSEGV` for instance, or `null`. */
  readonly signal: string | null
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
}

/** The place where a session's devices are visible and tools run. */
export interface ToolHost {
  /**
   * Runs one program, looked up in the tool host's `PATH`, with exactly these arguments: no shell in between.
   * Standard input and output are binary safe; NUL cannot appear in an argument (`TypeError`).
   * A non-zero exit code is a result, not an error. Rejects with `ExecError`: `EXEC_NOT_FOUND`, `EXEC_TIMEOUT`, `EXEC_OUTPUT_LIMIT`,
   * `EXEC_CONNECTION_LOST`; with `AbortError` when the signal fires.
   */
  exec(argv: readonly [string, ...string[]], options?: ExecOptions): Promise<ExecResult>
  readonly fs: RawFs
}

/** Runs the guest's own programs, only offered where that happens in isolation from the host (in a VM). */
export interface GuestExec {
  /** Runs `argv` with the directory `root` (a mounted guest) as its root directory. Results and errors as {@link ToolHost.exec}. */
  chroot(root: string, argv: readonly [string, ...string[]], options?: ExecOptions): Promise<ExecResult>
}
