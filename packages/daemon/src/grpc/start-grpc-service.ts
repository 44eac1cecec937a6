import type { DaemonLogger } from '../operate/create-logger.ts'
import type { Health } from '../operate/health.ts'
import { createGrpcServer } from './grpc-server.ts'
import type { ServiceOptions } from './service.ts'

export interface GrpcServiceOptions extends ServiceOptions {
  /** What the health service says; its condition `socket` is set here. */
  readonly health: Health
  readonly logger: DaemonLogger
}

/** Answers are small: what is not sent by then is wanted by nobody. */
const closeLimitMs = 5000

/** `createGrpcServer` as a part of the daemon: it says of itself what the daemon's health says, and logs its calls. */
export async function startGrpcService(options: GrpcServiceOptions): Promise<{ close(): Promise<void> }> {
  const { health, logger, observe } = options
  const server = await createGrpcServer({
    ...options,
    observe: (call) => {
      const { rpc, job, status, error, ms } = call
      const fields = { rpc, ...(job !== null && { job }), status, ms: Math.round(ms) }
      if (error === null) logger.debug('rpc.done', fields)
      else logger.info('rpc.failed', { ...fields, ...error })
      observe?.(call)
    },
  })
  const unwatch = health.on((serving) => server.setServing(serving))
  health.set('socket')
  server.setServing(health.serving)
  return {
    close: async () => {
      unwatch()
      health.set('socket', 'closed')
      server.setServing(false)
      await server.stop(closeLimitMs)
    },
  }
}
