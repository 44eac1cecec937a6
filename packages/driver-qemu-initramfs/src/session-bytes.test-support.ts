import type { ChildProcess } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Duplex } from 'node:stream'
import { SSH_FD } from './qemu-command-line.ts'

/** Of SSH's packets before encryption (RFC 4253, 7.1; RFC 5656, 4) those in which a server has randomness of its own: the cookie, and the ephemeral key with the signature. */
const FRESH = new Map([
  [20, (payload: Buffer) => payload.subarray(1, 17)],
  [31, (payload: Buffer) => payload],
])

function freshIn(bytes: Buffer): string[] {
  const found: string[] = []
  // A packet (RFC 4253, 6): its length, that of its padding, the payload, whose first byte is its number.
  for (let at = bytes.indexOf('\n') + 1; at + 6 <= bytes.length && found.length < FRESH.size; at += 4 + bytes.readUInt32BE(at)) {
    const take = FRESH.get(bytes[at + 5] ?? 0)
    if (take !== undefined) found.push(take(bytes.subarray(at + 5, at + 4 + bytes.readUInt32BE(at) - (bytes[at + 4] ?? 0))).toString('hex'))
  }
  return found
}

interface Heard {
  readonly fromGuest: Buffer[]
  readonly toGuest: string[]
}

/** Listens at the port for SSH of the VMs that this process starts, until `stop`. */
export function watchSessionBytes(): {
  /** What each server has said before encryption that should come once only. */
  readonly fresh: () => string[][]
  /** What each VM was sent first: how it is to go. */
  readonly go: () => (string | undefined)[]
  readonly stop: () => void
} {
  const heard: Heard[] = []
  const onProcess = (message: unknown): void => {
    const { process: child } = message as { readonly process: ChildProcess }
    // Its streams are there when the call that starts it is done.
    setImmediate(() => {
      const stream = child.stdio[SSH_FD] as Duplex | null | undefined
      if (stream === null || stream === undefined) return
      const { fromGuest, toGuest }: Heard = { fromGuest: [], toGuest: [] }
      heard.push({ fromGuest, toGuest })
      const [push, write] = [stream.push.bind(stream), stream.write.bind(stream)]
      stream.push = (chunk, encoding) => {
        if (chunk !== null && fromGuest.length < 20) fromGuest.push(Buffer.from(chunk))
        return push(chunk, encoding)
      }
      stream.write = ((chunk: Uint8Array | string, ...rest: []) => {
        if (toGuest.length === 0) toGuest.push(Buffer.from(chunk as string).toString('latin1'))
        return write(chunk, ...rest)
      }) as Duplex['write']
    })
  }
  subscribe('child_process', onProcess)
  return {
    fresh: () => heard.map(({ fromGuest }) => freshIn(Buffer.concat(fromGuest))),
    go: () => heard.map(({ toGuest }) => toGuest[0]),
    stop: () => void unsubscribe('child_process', onProcess),
  }
}
