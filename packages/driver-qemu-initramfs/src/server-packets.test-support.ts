import type { ChildProcess } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Readable } from 'node:stream'
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

/** Listens to the SSH servers in the VMs that this process starts, until `stop`; `fresh` is what each has said that should come once only. */
export function watchServerPackets(): { readonly fresh: () => string[][]; readonly stop: () => void } {
  const heard: Buffer[][] = []
  const onProcess = (message: unknown): void => {
    const { process: child } = message as { readonly process: ChildProcess }
    // Its streams are there when the call that starts it is done.
    setImmediate(() => {
      const stream = child.stdio[SSH_FD] as Readable | null | undefined
      if (stream === null || stream === undefined) return
      const chunks: Buffer[] = []
      heard.push(chunks)
      const push = stream.push.bind(stream)
      stream.push = (chunk, encoding) => {
        if (chunk !== null && chunks.length < 20) chunks.push(Buffer.from(chunk))
        return push(chunk, encoding)
      }
    })
  }
  subscribe('child_process', onProcess)
  return {
    fresh: () => heard.map((chunks) => freshIn(Buffer.concat(chunks))),
    stop: () => void unsubscribe('child_process', onProcess),
  }
}
