import { type handleUnaryCall, type ServerUnaryCall, type sendUnaryData, status, type UntypedServiceImplementation } from '@grpc/grpc-js'
import { hintOf } from '@host-deployer/api'
import { deployService } from '@host-deployer/api/grpc'
import { AbortError, DeployError, type Logger } from '@host-deployer/driver-api'
import type { DaemonConfig } from '../config/daemon-config.ts'
import type { Work } from '../work/work.ts'
import { currentClient } from './client-of-connection.ts'
import { notImplemented } from './not-implemented.ts'
import { type WireMessage, wireMessage } from './read-message.ts'
import type { Handler, Rpc } from './rpc.ts'
import type { RpcCall } from './rpc-call.ts'
import { deployGuestFs } from './rpcs/deploy-guest-fs.ts'
import { formatFs } from './rpcs/format-fs.ts'
import { probeImageInfo } from './rpcs/probe-image-info.ts'
import { resizeFs } from './rpcs/resize-fs.ts'
import { saveToGlance } from './rpcs/save-to-glance.ts'
import { errorResponse, toldError } from './status-of-error.ts'
import { unsupportedGuest } from './unsupported-guest.ts'

export interface ServiceOptions {
  /** The configuration at the time of a call. */
  readonly config: () => DaemonConfig
  readonly work: Work
  readonly logger: Logger
  /** Hears of every call that ended. Absent: nobody. */
  readonly observe?: (call: RpcCall) => void
}

type Handlers = Readonly<Record<string, Handler<never, object>>>

const notThere =
  (rpc: string): Handler<never, object> =>
  async () => {
    throw notImplemented(rpc)
  }

const handlers: Handlers = {
  DeployGuestFs: deployGuestFs,
  ResizeFs: resizeFs,
  FormatFs: formatFs,
  SaveToGlance: saveToGlance,
  ProbeImageInfo: probeImageInfo,
  ConnectEsxiDisks: notThere('ConnectEsxiDisks'),
  DisconnectEsxiDisks: notThere('DisconnectEsxiDisks'),
  SetOvmfBootOrder: notThere('SetOvmfBootOrder'),
}

/** The service's definition, with messages read by their handlers: an unreadable one gets an answer that says so. */
export function deployAgentDefinition(): ReturnType<typeof deployService> {
  const methods = Object.entries(deployService()).map(([name, method]) => {
    const requestDeserialize = (bytes: Buffer) => wireMessage(bytes, method.requestDeserialize)
    return [name, { ...method, requestDeserialize }] as const
  })
  return Object.fromEntries(methods)
}

/** `apis.DeployAgent`. */
export function deployAgent(options: ServiceOptions): UntypedServiceImplementation {
  return Object.fromEntries(Object.entries(handlers).map(([rpc, handler]) => [rpc, unary(rpc, handler, options)]))
}

function unary(rpc: string, handler: Handler<never, object>, options: ServiceOptions): handleUnaryCall<WireMessage<object>, object> {
  return (call, answer) => {
    void handle(rpc, handler, options, call, answer)
  }
}

async function handle(
  rpc: string,
  handler: Handler<never, object>,
  options: ServiceOptions,
  call: ServerUnaryCall<WireMessage<object>, object>,
  answer: sendUnaryData<object>,
): Promise<void> {
  const startedMs = performance.now()
  const state: CallState = { job: null, withoutSystem: false }
  const ended = (name: string, error: RpcCall['error']) =>
    options.observe?.({ rpc, ...state, status: name, error, ms: performance.now() - startedMs })
  try {
    const reply = await handler(call.request.read() as never, rpcOf(rpc, options, call, state))
    answer(null, reply)
    ended('OK', null)
  } catch (error) {
    if (!DeployError.isInstance(error))
      options.logger.warn('rpc.fault', { rpc, job: state.job, error: error instanceof Error ? error.stack : String(error) })
    const told = toldError(error)
    const response = errorResponse(told)
    answer(response, null)
    const { code, phase = null, message } = told
    ended(status[response.code ?? status.UNKNOWN] ?? 'UNKNOWN', { code, phase, message, hint: hintOf(told) ?? null })
  }
}

interface CallState {
  job: string | null
  withoutSystem: boolean
}

function rpcOf(
  rpc: string,
  { config, work, logger }: ServiceOptions,
  call: ServerUnaryCall<WireMessage<object>, object>,
  state: CallState,
): Rpc {
  const client = currentClient()
  const withCall = (fields?: Readonly<Record<string, unknown>>) => ({
    rpc,
    client,
    ...(state.job !== null && { job: state.job }),
    ...fields,
  })
  return {
    config: config(),
    logger: {
      debug: (event, fields) => logger.debug(event, withCall(fields)),
      info: (event, fields) => logger.info(event, withCall(fields)),
      warn: (event, fields) => logger.warn(event, withCall(fields)),
    },
    run: (job) => {
      if (call.cancelled) throw new AbortError('ABORTED', 'The client has gone')
      const deadlineMs = deadlineOf(call)
      const onQueued = (id: string) => {
        state.job = id
      }
      const submitted = work.submit(job, {
        client,
        label: rpc,
        weightBytes: call.request.sizeBytes,
        signal: signalOf(call),
        onQueued,
        ...(deadlineMs !== undefined && { deadlineMs }),
      })
      return submitted.catch((error: unknown) => {
        throw unsupportedGuest(error)
      })
    },
    countDeployWithoutSystem: () => {
      state.withoutSystem = true
    },
  }
}

/** Fires when the client cancels, its connection ends, or its deadline passes. */
function signalOf(call: ServerUnaryCall<WireMessage<object>, object>): AbortSignal {
  const controller = new AbortController()
  call.once('cancelled', () => controller.abort())
  return controller.signal
}

/** Wall-clock time, as gRPC has it, in monotonic milliseconds. */
function deadlineOf(call: ServerUnaryCall<WireMessage<object>, object>): number | undefined {
  const deadline = call.getDeadline()
  const atMs = deadline instanceof Date ? deadline.getTime() : deadline
  return Number.isFinite(atMs) ? performance.now() + (atMs - Date.now()) : undefined
}
