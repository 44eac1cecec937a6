import { join } from 'node:path'
import { decodeErrorDetails, type ErrorDetails } from '@host-deployer/api/grpc'

export type Rpc =
  | 'DeployGuestFs'
  | 'ResizeFs'
  | 'FormatFs'
  | 'SaveToGlance'
  | 'ProbeImageInfo'
  | 'ConnectEsxiDisks'
  | 'DisconnectEsxiDisks'
  | 'SetOvmfBootOrder'

/** What the client's library made of an error. */
export interface RpcFailure {
  /** By name: `NOT_FOUND`. */
  readonly status: string
  readonly message: string
  readonly details: ErrorDetails | undefined
}

/** A client of the service with stubs that somebody else's tools made of our proto file: nothing of ours is between the test and the socket. */
export interface ForeignClient extends AsyncDisposable {
  /** The reply with every field, named as in the proto file. Rejects with a plain `Error` that shows what came instead. */
  call(rpc: Rpc, params: object): Promise<Record<string, unknown>>
  /** The error of a call that has to fail. */
  fail(rpc: Rpc, params: object, timeoutS?: number): Promise<RpcFailure>
}

/** Where `deploy.proto` is. */
export const protoDirectory = join(import.meta.dirname, '..', '..', 'packages', 'api', 'proto')

/** `details`: the bytes of `grpc-status-details-bin`. */
export const rpcFailure = (status: string, message: string, details: Uint8Array): RpcFailure => ({
  status,
  message,
  details: decodeErrorDetails(details),
})

/** The client whose stubs answer as `ask`: a reply, or the failure. */
export function foreignClient(
  ask: (rpc: Rpc, params: object, timeoutS?: number) => Promise<{ readonly reply: Record<string, unknown> } | RpcFailure>,
  close: () => Promise<void>,
): ForeignClient {
  return {
    async call(rpc, params) {
      const answer = await ask(rpc, params)
      if ('reply' in answer) return answer.reply
      throw new Error(`${rpc}: ${JSON.stringify(answer)}`)
    },
    async fail(rpc, params, timeoutS) {
      const answer = await ask(rpc, params, timeoutS)
      if ('reply' in answer) throw new Error(`${rpc} did not fail: ${JSON.stringify(answer.reply)}`)
      return answer
    },
    [Symbol.asyncDispose]: close,
  }
}
