import { DeployError } from '@host-deployer/driver-api'
import type { PackedError } from './messages.ts'

/** As deep as contexts are; what is deeper, or is no data, is left out. */
const MAX_DEPTH = 6

const isSendable = (value: unknown): value is string | number | boolean | bigint | null | undefined =>
  value === null || ['string', 'number', 'boolean', 'bigint', 'undefined'].includes(typeof value)

function data(value: unknown, depth = 0): unknown {
  if (isSendable(value)) return value
  if (typeof value !== 'object' || value === null || depth >= MAX_DEPTH) return undefined
  if (value instanceof Error) return value.message
  if (value instanceof Uint8Array) return value
  if ('toJSON' in value && typeof value.toJSON === 'function') return data(value.toJSON(), depth + 1)
  if (Array.isArray(value)) return value.map((item) => data(item, depth + 1))
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, data(item, depth + 1)]))
}

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
    context: data(context) as Record<string, unknown>,
    diagnostics: data(diagnostics) as PackedError['diagnostics'],
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
