import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { listenOnSocket, type SocketPlace } from '../listen-on-socket.ts'
import type { StatusDocument } from './status-document.ts'

export interface AdminServerOptions {
  readonly place: SocketPlace
  readonly status: () => StatusDocument
  readonly metrics: { readonly contentType: string; text(): Promise<string> }
  /** Told of a request that could not be answered. */
  readonly onError: (error: unknown) => void
}

export interface AdminServer {
  /** Ends open requests, removes the socket. Idempotent. */
  close(): Promise<void>
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

/**
 * Serves over HTTP on a unix socket: `GET /metrics` (Prometheus text), `/status` ({@link StatusDocument}), `/healthz` (200 while it need not be
 * restarted, else 503), `/readyz` (200 while jobs are served, else 503). Reads nothing but the request line; there is nothing to change here.
 * Codes: those of `listenOnSocket`.
 */
export async function createAdminServer({ place, status, metrics, onError }: AdminServerOptions): Promise<AdminServer> {
  const answer = async (path: string): Promise<Answer> => {
    switch (path) {
      case '/metrics':
        return { status: 200, type: metrics.contentType, body: await metrics.text() }
      case '/status':
        return json(200, status())
      case '/healthz': {
        const { alive, faults } = status()
        return json(alive ? 200 : 503, { alive, faults })
      }
      case '/readyz': {
        const { ready, conditions } = status()
        return json(ready ? 200 : 503, { ready, conditions })
      }
      default:
        return json(404, { paths: ['/metrics', '/status', '/healthz', '/readyz'] })
    }
  }
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    request.resume()
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, { ...json(405, {}), allow: 'GET, HEAD' })
    const path = (request.url ?? '').split('?', 1)[0] ?? ''
    const answered = await answer(path).catch((error: unknown) => {
      onError(error)
      return json(500, {})
    })
    return send(response, answered)
  }
  const server = createServer(
    { maxHeaderSize: 8192, headersTimeout: 5000, requestTimeout: 5000, keepAlive: false },
    (request, response) => {
      void handle(request, response)
    },
  )
  server.maxConnections = 64
  server.on('clientError', (_, socket) => socket.destroy())
  await listenOnSocket(server, place)
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const json = (status: number, body: object): Answer => ({ status, type: 'application/json', body: `${JSON.stringify(body)}\n` })

function send(response: ServerResponse, { status, type, body, allow }: Answer & { readonly allow?: string }): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
    ...(allow !== undefined && { allow }),
  })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}
