import { InputError } from '@host-deployer/driver-api'

/** The limit of gRPC clients and servers by default, in the field as here. */
export const maxMessageBytes = 4 * 1024 * 1024

/** A request as it arrived: read when it is handled, so that an unreadable one gets an answer like any other error. */
export interface WireMessage<Params> {
  readonly sizeBytes: number
  /** `INPUT_MESSAGE_MALFORMED`, `INPUT_MESSAGE_TOO_LARGE`, `INPUT_INVALID` for NUL or a line break where none can be. */
  read(): Params
}

export function wireMessage<Params extends object>(bytes: Buffer, deserialize: (bytes: Buffer) => object): WireMessage<Params> {
  return {
    sizeBytes: bytes.length,
    read: () => {
      if (bytes.length > maxMessageBytes) {
        throw new InputError('INPUT_MESSAGE_TOO_LARGE', `The message has ${bytes.length} bytes, at most ${maxMessageBytes} are read`, {
          hint: 'Let the guest fetch large content itself.',
        })
      }
      const params = deserializeMessage(bytes, deserialize)
      checkTexts(params, [])
      return params as Params
    },
  }
}

function deserializeMessage(bytes: Buffer, deserialize: (bytes: Buffer) => object): object {
  try {
    return deserialize(bytes)
  } catch (cause) {
    throw new InputError('INPUT_MESSAGE_MALFORMED', 'The message cannot be read', {
      hint: 'Use a client made of deploy.proto.',
      cause,
    })
  }
}

/** Texts of several lines. A public key's file ends in a line break. */
const linesAllowed = new Set([
  'content',
  'user_data',
  'telegraf_conf',
  'routes',
  'public_key',
  'delete_public_key',
  'admin_public_key',
  'project_public_key',
])

/** Shows where, never what. */
function checkTexts(value: unknown, path: readonly (string | number)[]): void {
  if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Array.isArray(value) ? value.entries() : Object.entries(value)) checkTexts(inner, [...path, key])
    return
  }
  if (typeof value !== 'string') return
  const field = path.findLast((key) => typeof key === 'string') ?? ''
  const forbidden = linesAllowed.has(String(field)) ? /\0/ : /[\0-\x1f\x7f]/
  if (!forbidden.test(value)) return
  const where = path.map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${key}`)).join('')
  throw new InputError('INPUT_INVALID', `${where}: has NUL, a line break or another control character`, {
    hint: 'Remove it.',
    context: { path: where },
  })
}
