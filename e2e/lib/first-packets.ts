import type { ChildProcess } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Readable } from 'node:stream'

/** What an SSH server says before anything is encrypted: all of its own randomness that goes into the session's keys. */
export interface ServerHandshake {
  /** Of its SSH_MSG_KEXINIT (RFC 4253 7.1). */
  readonly cookie: string
  /** Its ephemeral public key, in SSH_MSG_KEX_ECDH_REPLY (RFC 5656 4). */
  readonly ephemeralKey: string
}

const KEXINIT = 20
const ECDH_REPLY = 31
const COOKIE_BYTES = 16

/** Pure. Reads a server's first packets (RFC 4253 4.2 and 6); `undefined` until they are all there. */
export function parseHandshake(bytes: Buffer): ServerHandshake | undefined {
  const banner = bytes.indexOf('SSH-2.0-')
  let offset = banner < 0 ? bytes.length : bytes.indexOf('\n', banner) + 1
  let cookie: string | undefined
  while (offset + 6 <= bytes.length) {
    const end = offset + 4 + bytes.readUInt32BE(offset)
    if (end > bytes.length) return undefined
    const payload = bytes.subarray(offset + 5, end - (bytes[offset + 4] ?? 0))
    if (payload[0] === KEXINIT) cookie = payload.subarray(1, 1 + COOKIE_BYTES).toString('hex')
    if (payload[0] === ECDH_REPLY && cookie !== undefined) {
      const keyAt = 5 + payload.readUInt32BE(1)
      const ephemeralKey = payload.subarray(keyAt + 4, keyAt + 4 + payload.readUInt32BE(keyAt)).toString('hex')
      return { cookie, ephemeralKey }
    }
    offset = end
  }
  return undefined
}

// What the driver's QEMU has as its SSH port: packages/driver-qemu-initramfs/src/qemu-command-line.ts.
const SSH_FD = 4
const ENOUGH_BYTES = 16_384

/** Listens in on the SSH connections of the VMs that this process starts, until `stop`. */
export function watchHandshakes(): { readonly seen: () => ServerHandshake[]; readonly stop: () => void } {
  const heard: Buffer[][] = []
  const onProcess = (message: unknown): void => {
    const { process: child } = message as { readonly process: ChildProcess }
    setImmediate(() => {
      const stream = child.stdio[SSH_FD] as Readable | null | undefined
      if (stream === null || stream === undefined) return
      const chunks: Buffer[] = []
      heard.push(chunks)
      const push = stream.push.bind(stream)
      stream.push = (chunk, encoding) => {
        if (chunk !== null && chunks.reduce((sum, { length }) => sum + length, 0) < ENOUGH_BYTES) chunks.push(Buffer.from(chunk))
        return push(chunk, encoding)
      }
    })
  }
  subscribe('child_process', onProcess)
  return {
    seen: () => heard.map((chunks) => parseHandshake(Buffer.concat(chunks))).filter((handshake) => handshake !== undefined),
    stop: () => void unsubscribe('child_process', onProcess),
  }
}
