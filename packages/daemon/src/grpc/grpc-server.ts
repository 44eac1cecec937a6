import { createServer, type Server as NetServer, type Socket } from 'node:net'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { ReflectionService } from '@grpc/reflection'
import { loadDeployProto } from '@host-deployer/api/grpc'
import { HealthImplementation, type ServingStatusMap } from 'grpc-health-check'
import { listenOnSocket } from '../listen-on-socket.ts'
import { acceptAnyAuthority } from './accept-any-authority.ts'
import { asNewClient } from './client-of-connection.ts'
import { maxMessageBytes } from './read-message.ts'
import { deployAgent, deployAgentDefinition, type ServiceOptions } from './service.ts'

export interface GrpcServer {
  /** What the health service says, of the whole server (`""`) and of `apis.DeployAgent`. Not serving at first. */
  setServing(serving: boolean): void
  /**
   * Takes no further connections and calls, removes the socket, lets running calls end for as long, and breaks off the rest: their jobs are cancelled.
   * Idempotent.
   */
  stop(limitMs: number): Promise<void>
}

const services = ['', 'apis.DeployAgent']

/**
 * Serves `apis.DeployAgent`, health (`grpc.health.v1.Health`) and reflection on the configuration's socket: mode 0660, with its group.
 * Rejects as {@link listenOnSocket}.
 */
export async function createGrpcServer(options: ServiceOptions): Promise<GrpcServer> {
  const server = new Server({
    // A little more than is read, so that the answer to what is too large is one of ours.
    'grpc.max_receive_message_length': 2 * maxMessageBytes,
    'grpc.enable_channelz': 0,
  })
  server.addService(deployAgentDefinition(), deployAgent(options))
  const health = new HealthImplementation(statuses('NOT_SERVING'))
  health.addToServer(server)
  new ReflectionService(loadDeployProto()).addToServer(server)
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure())

  const sockets = new Set<Socket>()
  const listener = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    asNewClient(() => injector.injectConnection(acceptAnyAuthority(socket)))
  })
  const { socketPath, socketGroup } = options.config()
  await listenOnSocket(listener, { path: socketPath, ...(socketGroup !== undefined && { group: socketGroup }) })

  let stopping: Promise<void> | undefined
  return {
    setServing: (serving) => {
      for (const service of services) health.setStatus(service, serving ? 'SERVING' : 'NOT_SERVING')
    },
    stop: (limitMs) => {
      stopping ??= stop({ server, listener, sockets, limitMs })
      return stopping
    },
  }
}

const statuses = (status: 'NOT_SERVING' | 'SERVING'): ServingStatusMap => Object.fromEntries(services.map((service) => [service, status]))

interface Stopping {
  readonly server: Server
  readonly listener: NetServer
  readonly sockets: ReadonlySet<Socket>
  readonly limitMs: number
}

async function stop({ server, listener, sockets, limitMs }: Stopping): Promise<void> {
  // When all connections have ended, too.
  const closed = new Promise<void>((resolve) => void listener.close(() => resolve()))
  // Each session ends after its last call, and its connection after the session. The callback says less: sessions that have begun to close count as closed.
  server.tryShutdown(() => {})
  // Who never said anything has no call to wait for.
  for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
  const timer = setTimeout(() => {
    server.forceShutdown()
    for (const socket of sockets) socket.destroy()
  }, limitMs)
  await closed
  clearTimeout(timer)
}
