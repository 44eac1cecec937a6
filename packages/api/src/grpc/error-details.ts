import { detailsMessage } from '../load-proto.ts'

/** The trailer that carries {@link ErrorDetails}: `google.rpc.Status` with one `google.rpc.ErrorInfo`. */
export const errorDetailsKey = 'grpc-status-details-bin'

/** What an error says to programs. */
export interface ErrorDetails {
  /** The status code, as in the trailer `grpc-status`. */
  readonly status: number
  readonly message: string
  /** The stable code: `IMAGE_LOCKED`. */
  readonly reason: string
  /** `phase` and `hint`, where there are such; nothing that a request said. */
  readonly metadata: Readonly<Record<string, string>>
}

const domain = 'host-deployer'
const infoType = 'type.googleapis.com/google.rpc.ErrorInfo'

export function encodeErrorDetails({ status, message, reason, metadata }: ErrorDetails): Buffer {
  const info = detailsMessage('ErrorInfo').serialize({ reason, domain, metadata })
  return detailsMessage('Status').serialize({ code: status, message, details: [{ type_url: infoType, value: info }] })
}

/** `undefined` for anything that is not ours. */
export function decodeErrorDetails(bytes: Uint8Array): ErrorDetails | undefined {
  try {
    const { code, message, details } = detailsMessage('Status').deserialize(Buffer.from(bytes)) as Status
    const found = details.find(({ type_url }) => type_url === infoType)
    if (found === undefined) return undefined
    const info = detailsMessage('ErrorInfo').deserialize(found.value) as ErrorInfo
    return info.domain === domain ? { status: code, message, reason: info.reason, metadata: { ...info.metadata } } : undefined
  } catch {
    return undefined
  }
}

interface Status {
  readonly code: number
  readonly message: string
  readonly details: readonly { readonly type_url: string; readonly value: Buffer }[]
}

interface ErrorInfo {
  readonly reason: string
  readonly domain: string
  readonly metadata: Readonly<Record<string, string>>
}
