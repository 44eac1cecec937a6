import { request } from 'node:http'

export interface Answered {
  readonly status: number
  readonly type: string
  readonly body: string
}

/** One HTTP request on a unix socket. */
export function get(socketPath: string, path: string, method = 'GET'): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, method }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          type: response.headers['content-type'] ?? '',
          body: Buffer.concat(parts).toString('utf8'),
        }),
      )
    })
    sent.on('error', reject)
    sent.end()
  })
}
