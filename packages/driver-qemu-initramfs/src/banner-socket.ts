import { connect, type Socket } from 'node:net'

/** The user-mode network tries the guest again after pauses of many seconds, a new connection tries it at once. */
const ATTEMPT_EVERY_MS = 1_000
/** A slow guest may need longer than that to say its first word. dropbear takes five strangers from one address. */
const ATTEMPTS_AT_ONCE = 4

/**
 * A connection to a server that speaks first, once it does. The network in front of the guest accepts connections while nobody listens behind it, so
 * being connected says nothing. Tries until `signal` fires, then rejects with its reason. What the server said is still to be read.
 */
export function connectToSpeaker(port: number, signal: AbortSignal): Promise<Socket> {
  const attempts = new Set<Socket>()
  return new Promise((resolve, reject) => {
    const finish = (winner?: Socket): void => {
      clearInterval(timer)
      signal.removeEventListener('abort', onAbort)
      for (const socket of attempts) if (socket !== winner) socket.destroy()
    }
    const onAbort = (): void => {
      finish()
      reject(signal.reason)
    }
    const attempt = (): void => {
      const [oldest] = attempts
      if (attempts.size >= ATTEMPTS_AT_ONCE) oldest?.destroy()
      const socket = connect({ host: '127.0.0.1', port, noDelay: true })
      attempts.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => attempts.delete(socket))
      socket.once('data', (chunk) => {
        socket.pause()
        socket.unshift(chunk)
        finish(socket)
        resolve(socket)
      })
    }
    const timer = setInterval(attempt, ATTEMPT_EVERY_MS)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    else attempt()
  })
}
