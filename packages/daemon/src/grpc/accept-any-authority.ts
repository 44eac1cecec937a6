import { AsyncLocalStorage } from 'node:async_hooks'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

// grpc-go before 1.41 or so sends the socket's path as `:authority` (`/var/run/onecloud/deploy.sock`), and so does every client of the field. nghttp2,
// which Node's http2 is made of, refuses a request with "/" in there (RFC 9113, 8.3.1), and no option changes that. Nothing reads the authority, so each
// "/" in it becomes "-" before nghttp2 sees it. Both have six bits in HPACK's Huffman code (RFC 7541, appendix B): no length changes, and neither does
// the dynamic table's size.

/**
 * The connection with what it receives made palatable for nghttp2. Everything but `:authority` passes as it is, frame by frame, without delay.
 */
export function acceptAnyAuthority(socket: Socket): Duplex {
  const filter = createAuthorityFilter()
  const duplex = new Duplex({
    allowHalfOpen: false,
    read: () => socket.resume(),
    write: (chunk: Buffer, _, done) => {
      socket.write(chunk, () => done())
    },
    writev: (chunks, done) => {
      // Done when the last of it is out: whoever closes then loses nothing.
      socket.cork()
      const last = chunks.length - 1
      for (const [index, { chunk }] of chunks.entries()) socket.write(chunk as Buffer, index === last ? () => done() : undefined)
      socket.uncork()
    },
    final: (done) => {
      socket.end(done)
    },
    destroy: (error, done) => {
      socket.destroy()
      done(error)
    },
  })
  const receive = (chunk: Buffer) => {
    for (const part of filter(chunk)) if (!duplex.push(part)) socket.pause()
  }
  // What follows from the data shall run where this function was called, not where the socket was made: `currentClient` lives by that.
  socket.on('data', AsyncLocalStorage.bind(receive))
  socket.on('end', () => duplex.push(null))
  // A peer that is gone is an end like any other: `close` follows, and there is nobody to tell.
  socket.on('error', () => {})
  socket.on('close', () => duplex.destroy())
  duplex.on('error', () => {})
  return duplex
}

const prefaceBytes = 24
const frameHeaderBytes = 9
const headersFrame = 1
/** What a peer may send unless it was told otherwise (SETTINGS_MAX_FRAME_SIZE); nghttp2 refuses more. */
const maxFrameBytes = 16_384

/** Takes what a client sends, in any pieces, and gives it back with `:authority` changed. Holds back at most one HEADERS frame. */
export function createAuthorityFilter(): (chunk: Buffer) => Buffer[] {
  let skip = prefaceBytes
  let held: Buffer = Buffer.alloc(0)
  return (chunk) => {
    const ready: Buffer[] = []
    let rest = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    held = Buffer.alloc(0)
    while (rest.length > 0) {
      if (skip > 0) {
        const passed = rest.subarray(0, skip)
        skip -= passed.length
        ready.push(passed)
        rest = rest.subarray(passed.length)
        continue
      }
      const length = rest.length >= frameHeaderBytes ? rest.readUIntBE(0, 3) : 0
      const isHeaders = rest[3] === headersFrame && length <= maxFrameBytes
      if (rest.length < frameHeaderBytes || (isHeaders && rest.length < frameHeaderBytes + length)) {
        held = Buffer.from(rest)
        break
      }
      if (isHeaders) changeAuthority(headerBlock(rest.subarray(frameHeaderBytes, frameHeaderBytes + length), rest[4] ?? 0))
      skip = frameHeaderBytes + length
    }
    return ready
  }
}

/** Without padding and priority (RFC 9113, 6.2). */
function headerBlock(payload: Buffer, flags: number): Buffer {
  const padded = (flags & 0x8) !== 0
  const start = (padded ? 1 : 0) + ((flags & 0x20) !== 0 ? 5 : 0)
  return payload.subarray(start, Math.max(start, payload.length - (padded ? (payload[0] ?? 0) : 0)))
}

/** Index of `:authority` in HPACK's static table. grpc-go and Node name it by that. */
const authorityIndex = 1
/** The name itself, which the C core of gRPC sends, and its Huffman code. */
const authorityNames: readonly Buffer[] = [Buffer.from(':authority'), Buffer.from('b83b5339ec327d7f', 'hex')]

/** Walks the fields of a header block (RFC 7541, 6) without decoding them. A malformed block is left to nghttp2. */
function changeAuthority(block: Buffer): void {
  let at = 0
  while (at < block.length) {
    const first = block[at] ?? 0
    if ((first & 0x80) !== 0) {
      at = integerAt(block, at, 7).end
      continue
    }
    if ((first & 0xe0) === 0x20) {
      at = integerAt(block, at, 5).end
      continue
    }
    const index = integerAt(block, at, (first & 0x40) !== 0 ? 6 : 4)
    const name = index.value === 0 ? stringAt(block, index.end) : undefined
    const value = stringAt(block, name?.end ?? index.end)
    const isAuthority =
      name === undefined
        ? index.value === authorityIndex
        : authorityNames.some((authority) => authority.equals(block.subarray(name.start, name.end)))
    if (isAuthority) replaceSlashes(block.subarray(value.start, value.end), value.huffman)
    at = value.end
  }
}

/** RFC 7541, 5.1. An integer that does not end in the block ends behind it. */
function integerAt(block: Buffer, at: number, prefixBits: number): { readonly value: number; readonly end: number } {
  const mask = 2 ** prefixBits - 1
  let value = (block[at] ?? 0) & mask
  let end = at + 1
  if (value < mask) return { value, end }
  for (let factor = 1; factor < 2 ** 28; factor *= 128) {
    const byte = block[end] ?? 0
    end += 1
    value += (byte & 0x7f) * factor
    if ((byte & 0x80) === 0) return { value, end }
  }
  return { value: 0, end: block.length }
}

function stringAt(block: Buffer, at: number) {
  const length = integerAt(block, at, 7)
  return { huffman: ((block[at] ?? 0) & 0x80) !== 0, start: length.end, end: length.end + length.value }
}

const slashCode = 0x18
const dashCode = 0x16

function replaceSlashes(text: Buffer, huffman: boolean): void {
  if (!huffman) {
    for (let index = 0; index < text.length; index += 1) if (text[index] === 0x2f) text[index] = 0x2d
    return
  }
  const bit = (position: number) => ((text[position >> 3] ?? 0xff) >> (7 - (position & 7))) & 1
  const bits = (position: number, count: number) => {
    let value = 0
    for (let index = 0; index < count; index += 1) value = value * 2 + bit(position + index)
    return value
  }
  let at = 0
  while (at < text.length * 8) {
    const length = codeLength((count) => bits(at, count))
    if (length === undefined) return
    if (length === 6 && bits(at, 6) === slashCode && at + 6 <= text.length * 8) {
      for (let index = 0; index < 6; index += 1) setBit(text, at + index, (dashCode >> (5 - index)) & 1)
    }
    at += length
  }
}

/** The greatest code of each length, of the characters that a text can have; longer ones are of bytes that a path does not have, and of the padding. */
const lastCodes: readonly (readonly [bits: number, last: number])[] = [
  [5, 0x09],
  [6, 0x2d],
  [7, 0x7b],
  [8, 0xfd],
  [10, 0x3fc],
  [11, 0x7fc],
  [12, 0xffb],
  [13, 0x1ffd],
  [14, 0x3ffd],
  [15, 0x7ffe],
]

/** The code is canonical: the value of the next bits says how long a code is. */
const codeLength = (next: (bits: number) => number) => lastCodes.find(([bits, last]) => next(bits) <= last)?.[0]

function setBit(bytes: Buffer, position: number, value: number): void {
  const mask = 0x80 >> (position & 7)
  const byte = bytes[position >> 3] ?? 0
  bytes[position >> 3] = value === 1 ? byte | mask : byte & ~mask
}
