import { Duplex } from 'node:stream'

/** The part of the port that one SSH session uses: ending or destroying it leaves the port open. */
export function portSession(port: Duplex): Duplex {
  const onData = (chunk: Buffer): void => void session.push(chunk)
  const onClose = (): void => void session.destroy()
  const session: Duplex = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      // Not waiting for it keeps the goodbye of SSH from being dropped when the session is destroyed right after.
      port.write(chunk)
      done()
    },
    final: (done) => {
      session.push(null)
      done()
    },
    destroy: (error, done) => {
      port.off('data', onData)
      port.off('close', onClose)
      done(error)
    },
  })
  port.on('data', onData)
  port.once('close', onClose)
  return session
}
