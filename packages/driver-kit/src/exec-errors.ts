import { AbortError, DeployError, ExecError, FsError } from '@host-deployer/driver-api'
import { type Argv, describeArgv } from './argv.ts'

/** What `ToolHost.exec` allows when its caller says nothing. */
export const DEFAULT_MAX_OUTPUT_BYTES = 16 * 1024 * 1024

/** `EXEC_NOT_FOUND`: the program is not in the tool host's `PATH`. */
export function execNotFound(argv: Argv, cause?: unknown): ExecError {
  return new ExecError('EXEC_NOT_FOUND', `There is no program ${JSON.stringify(argv[0])} on the tool host`, {
    hint: 'Install the package that holds it; `host-deployer doctor` lists what a driver needs.',
    context: { argv },
    cause,
  })
}

/** `EXEC_TIMEOUT`: it was killed after its time. */
export function execTimeout(argv: Argv, timeoutMs: number): ExecError {
  return new ExecError('EXEC_TIMEOUT', `${describeArgv(argv)} did not end within ${timeoutMs} ms and was killed`, {
    hint: 'Give it more time, or find out what it waits for.',
    retry: 'may-help',
    context: { argv, timeoutMs },
  })
}

/** `EXEC_OUTPUT_LIMIT`: it wrote more than its caller takes and was killed. */
export function execOutputLimit(argv: Argv, maxOutputBytes: number): ExecError {
  return new ExecError('EXEC_OUTPUT_LIMIT', `${describeArgv(argv)} wrote more than ${maxOutputBytes} bytes and was killed`, {
    context: { argv, maxOutputBytes },
  })
}

/** `EXEC_FAILED`: the process could not be started for another reason than a missing program. */
export function execFailed(argv: Argv, cause: unknown): ExecError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new ExecError('EXEC_FAILED', `${describeArgv(argv)} could not be started: ${reason}`, { context: { argv }, cause })
}

/** `EXEC_CONNECTION_LOST`: what the tool host consists of has ended. */
export function sessionEnded(cause?: unknown): ExecError {
  return new ExecError('EXEC_CONNECTION_LOST', 'The session has ended, and with it everything that ran in it', {
    hint: 'Open another session; --verbose shows what ended this one.',
    retry: 'may-help',
    cause,
  })
}

/**
 * Whether an error says nothing of the call that met it, but that there is no tool host any more: the loss of a connection, or what the driver knows to be
 * behind it. File calls pass it on as it is, so that one event has one code.
 */
export function saysLost(error: unknown): error is DeployError {
  if (!DeployError.isInstance(error) || FsError.is(error)) return false
  return error.code === 'EXEC_CONNECTION_LOST' || !error.code.startsWith('EXEC_')
}

/** `ABORTED`: the caller's signal fired. */
export function aborted(signal: AbortSignal | undefined, what: string): AbortError {
  return new AbortError('ABORTED', `Cancelled: ${what}`, { cause: signal?.reason })
}
