import { Client, credentials, Metadata, type MethodDefinition, type ServiceError, status } from '@grpc/grpc-js'
import { AbortError, DeployError, DriverError, TimeoutError } from '@host-deployer/driver-api'
import { deployService } from '../load-proto.ts'
import type {
  DeployGuestFsResponse,
  DeployParamsInput,
  Empty,
  FormatFsParamsInput,
  ImageInfo,
  ProbeImageInfoPramasInput,
  ResizeFsParamsInput,
  SaveToGlanceParamsInput,
  SaveToGlanceResponse,
} from './deploy.generated.ts'
import { decodeErrorDetails, errorDetailsKey } from './error-details.ts'

export interface CallOptions {
  /** The server is told, and cancels the work when it is over. Absent: no limit of the client's. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/**
 * The daemon's service. Every method rejects with `DeployError`: the server's code, phase and hint; `TIMEOUT_CALL` and `ABORTED` when the client gave
 * up; `DAEMON_UNREACHABLE`; `DAEMON_CALL_FAILED` for an answer that says nothing further.
 */
export interface DeployClient {
  deployGuestFs(params: DeployParamsInput, options?: CallOptions): Promise<DeployGuestFsResponse>
  resizeFs(params: ResizeFsParamsInput, options?: CallOptions): Promise<Empty>
  formatFs(params: FormatFsParamsInput, options?: CallOptions): Promise<Empty>
  saveToGlance(params: SaveToGlanceParamsInput, options?: CallOptions): Promise<SaveToGlanceResponse>
  probeImageInfo(params: ProbeImageInfoPramasInput, options?: CallOptions): Promise<ImageInfo>
  close(): void
}

/** A client of the daemon at a unix socket, with a connection of its own: the daemon's turns are those of connections. Connects with the first call. */
export function createDeployClient(socketPath: string): DeployClient {
  const client = new Client(`unix:${socketPath}`, credentials.createInsecure(), {
    'grpc.default_authority': 'localhost',
    'grpc.use_local_subchannel_pool': 1,
  })
  const service = deployService()
  const method = (rpc: string) => service[rpc] as MethodDefinition<object, object>
  const call =
    <Params extends object, Answer>(rpc: string) =>
    (params: Params, options: CallOptions = {}): Promise<Answer> =>
      unary(client, method(rpc), params, options) as Promise<Answer>
  return {
    deployGuestFs: call('DeployGuestFs'),
    resizeFs: call('ResizeFs'),
    formatFs: call('FormatFs'),
    saveToGlance: call('SaveToGlance'),
    probeImageInfo: call('ProbeImageInfo'),
    close: () => client.close(),
  }
}

function unary(
  client: Client,
  { path, requestSerialize, responseDeserialize }: MethodDefinition<object, object>,
  params: object,
  { timeoutMs, signal }: CallOptions,
): Promise<object> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(new AbortError('ABORTED', 'The call was cancelled before it was made'))
    const cancel = () => call.cancel()
    const limit = timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs }
    const call = client.makeUnaryRequest(path, requestSerialize, responseDeserialize, params, new Metadata(), limit, (error, answer) => {
      signal?.removeEventListener('abort', cancel)
      if (error) reject(callError(error))
      else resolve(answer ?? {})
    })
    signal?.addEventListener('abort', cancel, { once: true })
  })
}

/** The error of a call as the server meant it. */
export function callError(error: ServiceError): DeployError {
  const [bytes] = error.metadata?.get(errorDetailsKey) ?? []
  const details = bytes instanceof Uint8Array ? decodeErrorDetails(bytes) : undefined
  if (details !== undefined) {
    const { reason, message, metadata } = details
    const { phase, hint, ...context } = metadata
    const rebuilt = new DeployError(reason, message, { ...(hint === undefined ? {} : { hint }), context, cause: error })
    rebuilt.phase = phase as DeployError['phase']
    return rebuilt
  }
  const options = { context: { status: status[error.code] ?? String(error.code) }, cause: error }
  if (error.code === status.CANCELLED) return new AbortError('ABORTED', 'The call was cancelled', options)
  if (error.code === status.DEADLINE_EXCEEDED) {
    const hint = 'Give the call more time, or see in `host-deployer status` what the daemon is doing.'
    return new TimeoutError('TIMEOUT_CALL', 'The daemon did not answer in time', { hint, ...options })
  }
  if (error.code === status.UNAVAILABLE) {
    const hint = 'Check that the daemon runs, and that you may open its socket.'
    return new DriverError('DAEMON_UNREACHABLE', `The daemon cannot be reached: ${error.details}`, { hint, retry: 'may-help', ...options })
  }
  return new DeployError('DAEMON_CALL_FAILED', `The daemon answered ${options.context.status}: ${error.details}`, options)
}
