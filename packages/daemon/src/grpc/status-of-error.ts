import { Metadata, type ServerErrorResponse, status } from '@grpc/grpc-js'
import { hintOf } from '@host-deployer/api'
import { encodeErrorDetails, errorDetailsKey } from '@host-deployer/api/grpc'
import { DeployError } from '@host-deployer/driver-api'

/** By code, where the family's own does not fit. */
const byCode: Readonly<Record<string, status>> = {
  ABORTED: status.CANCELLED,
  BLOCK_NO_ROOT: status.NOT_FOUND,
  BLOCK_ROOT_NOT_FOUND: status.NOT_FOUND,
  DAEMON_NOT_IMPLEMENTED: status.UNIMPLEMENTED,
  DAEMON_QUEUE_FULL: status.RESOURCE_EXHAUSTED,
  DAEMON_STOPPING: status.UNAVAILABLE,
  FS_IO: status.INTERNAL,
  FS_NOT_SUPPORTED: status.INTERNAL,
  IMAGE_LOCKED: status.ABORTED,
  IMAGE_NOT_FOUND: status.NOT_FOUND,
  IMAGE_PERMISSION_DENIED: status.PERMISSION_DENIED,
  IMAGE_BACKING_REFUSED: status.PERMISSION_DENIED,
  IMAGE_PATH_REFUSED: status.PERMISSION_DENIED,
  INPUT_MESSAGE_TOO_LARGE: status.RESOURCE_EXHAUSTED,
  INPUT_NETWORK_UNSUPPORTED: status.FAILED_PRECONDITION,
}

/** By the words before the first underscore. What the client can change, what the image is, what this host lacks, what is our fault. */
const byFamily: Readonly<Record<string, status>> = {
  INPUT: status.INVALID_ARGUMENT,
  IMAGE: status.FAILED_PRECONDITION,
  BLOCK: status.FAILED_PRECONDITION,
  GROW: status.FAILED_PRECONDITION,
  GUEST: status.FAILED_PRECONDITION,
  CAPABILITY: status.FAILED_PRECONDITION,
  OPERATION: status.FAILED_PRECONDITION,
  CONFIG: status.FAILED_PRECONDITION,
  DRIVER: status.UNAVAILABLE,
  APPLIANCE: status.UNAVAILABLE,
  TIMEOUT: status.DEADLINE_EXCEEDED,
  EXEC: status.INTERNAL,
  FS: status.FAILED_PRECONDITION,
  CLEANUP: status.INTERNAL,
  DAEMON: status.INTERNAL,
}

export function statusOfCode(code: string): status {
  const own = byCode[code]
  if (own !== undefined) return own
  if (code.endsWith('_TIMEOUT')) return status.DEADLINE_EXCEEDED
  return byFamily[code.split('_', 1)[0] ?? ''] ?? status.INTERNAL
}

/** gRPC's C core takes 8 KiB of trailers. The message is there twice: percent-encoded, which can be three times as long, and in the details, in base64. */
const maxMessageBytes = 1000
const maxHintBytes = 500

function short(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text
  // A character that was cut in two is left out.
  const cut = Buffer.from(text)
    .subarray(0, maxBytes)
    .toString()
    .replace(/\ufffd+$/, '')
  return `${cut} [...]`
}

/** The error that is told. Of anything but a `DeployError` nothing further is: what is in there is not known, so not in an answer. */
export function toldError(error: unknown): DeployError {
  return DeployError.isInstance(error)
    ? error
    : new DeployError('DAEMON_FAULT', 'The daemon has a fault; its log says more', { hint: "Look into the daemon's log, and report it." })
}

/** What a client is told: the status, a message that begins with the phase, and in the details the stable code, the phase and the hint. */
export function errorResponse(error: unknown): ServerErrorResponse {
  const known = toldError(error)
  const code = statusOfCode(known.code)
  const hint = hintOf(known)
  const message = short(known.phase === undefined ? known.message : `${known.phase}: ${known.message}`, maxMessageBytes)
  const metadata = new Metadata()
  const details = {
    status: code,
    message,
    reason: known.code,
    metadata: {
      ...(known.phase === undefined ? {} : { phase: known.phase }),
      ...(hint === undefined ? {} : { hint: short(hint, maxHintBytes) }),
    },
  }
  metadata.set(errorDetailsKey, encodeErrorDetails(details))
  return { name: known.code, message, code, details: message, metadata }
}
