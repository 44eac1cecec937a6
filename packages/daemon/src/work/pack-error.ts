import { DeployError } from '@host-deployer/driver-api'
import type { PackedError } from './messages.ts'
import { sendable } from './sendable.ts'

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Any error in a form that a process can send. What is no `DeployError` is a fault of ours: `INTERNAL`. */
export function packError(error: unknown): PackedError {
  if (!DeployError.isInstance(error)) {
    const stack = error instanceof Error ? error.stack : undefined
    return {
      code: 'INTERNAL',
      message: messageOf(error),
      hint: "This is a fault of host-deployer; please report it with the daemon's log.",
      retry: 'never',
      phase: undefined,
      context: stack === undefined ? {} : { stack },
      diagnostics: [],
      cleanup: [],
    }
  }
  const { code, message, hint, retry, phase, context, diagnostics, cleanupErrors } = error
  return {
    code,
    message,
    hint,
    retry,
    phase,
    context: sendable(context) as Record<string, unknown>,
    diagnostics: sendable(diagnostics) as PackedError['diagnostics'],
    cleanup: cleanupErrors.map(messageOf),
  }
}

/** The error that was packed; its class is `DeployError` itself, codes tell them apart. */
export function unpackError(packed: PackedError): DeployError {
  const { code, message, hint, retry, phase, context, diagnostics, cleanup } = packed
  const error = new DeployError(code, message, { ...(hint === undefined ? {} : { hint }), retry, context })
  error.phase = phase
  error.diagnostics.push(...diagnostics)
  error.cleanupErrors.push(...cleanup)
  return error
}
