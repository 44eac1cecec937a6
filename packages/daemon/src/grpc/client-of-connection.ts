import { AsyncLocalStorage } from 'node:async_hooks'

const clients = new AsyncLocalStorage<string>()
let connections = 0

/**
 * Runs what handles a new connection, so that {@link currentClient} says its name in everything that follows from it. A unix socket's peers have no
 * addresses, and grpc-js tells a handler nothing else about a connection.
 */
export function asNewClient<T>(handle: () => T): T {
  connections += 1
  return clients.run(`connection-${connections}`, handle)
}

/** The connection that the current call came on. */
export const currentClient = (): string => clients.getStore() ?? 'connection'
