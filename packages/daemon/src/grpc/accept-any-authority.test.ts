import { mkdtemp, rm } from 'node:fs/promises'
import { connect as connectHttp2, createServer, type IncomingHttpHeaders } from 'node:http2'
import { connect, createServer as createNetServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { acceptAnyAuthority, createAuthorityFilter } from './accept-any-authority.ts'

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'authority-'))
})
afterAll(() => rm(directory, { recursive: true }))

const http2 = createServer()
http2.on('stream', (stream, headers) => {
  stream.respond({ ':status': 200, seen: headers[':authority'] ?? '', custom: headers['x-custom'] ?? '' })
  stream.pipe(stream)
})
const listener = createNetServer((socket) => http2.emit('connection', acceptAnyAuthority(socket)))

/** All requests on one connection: the second refers to the first one's table entries. */
async function ask(authorities: readonly string[], body = 'x'): Promise<{ headers: IncomingHttpHeaders; text: string }[]> {
  const path = join(directory, 's')
  if (!listener.listening) await new Promise<void>((resolve) => void listener.listen(path, resolve))
  const client = connectHttp2('http://localhost', { createConnection: () => connect(path) })
  const answers = []
  for (const authority of authorities) {
    const request = client.request({ ':authority': authority, ':method': 'POST', ':path': '/a/b', 'x-custom': '/stays/as/it/is' })
    const headers = await new Promise<IncomingHttpHeaders>((resolve, reject) => {
      request.on('response', resolve)
      request.on('error', reject)
      request.end(body)
    })
    let text = ''
    for await (const chunk of request) text += String(chunk)
    answers.push({ headers, text })
  }
  client.destroy()
  return answers
}

test.each(['/var/run/onecloud/deploy.sock', 'localhost', '%2Fvar%2Frun%2Fdeploy.sock', '/a', '////', '/tmp/O-_K~9:8/x'])(
  'a request to %s arrives',
  async (authority) => {
    const answers = await ask([authority, authority, 'other', authority])
    const seen = authority.replaceAll('/', '-')
    expect(answers.map(({ headers }) => headers['seen'])).toEqual([seen, seen, 'other', seen])
    expect(answers.map(({ headers }) => headers['custom'])).toEqual(Array(4).fill('/stays/as/it/is'))
  },
)

test('large bodies arrive as they were sent', async () => {
  const body = 'abc/'.repeat(300_000)
  const [answer] = await ask(['/x/y'], body)
  expect(answer?.text === body).toBe(true)
})

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const frame = (type: number, flags: number, payload: Buffer) => {
  const header = Buffer.alloc(9)
  header.writeUIntBE(payload.length, 0, 3)
  header[3] = type
  header[4] = flags
  header[8] = 1
  return Buffer.concat([header, payload])
}
const plain = (index: number, text: string) => Buffer.concat([Buffer.from([0x40 | index, text.length]), Buffer.from(text)])

test.each([
  ['plain', 0, (block: Buffer) => block],
  ['padded', 0x8, (block: Buffer) => Buffer.concat([Buffer.from([3]), block, Buffer.alloc(3)])],
  ['with a priority', 0x20, (block: Buffer) => Buffer.concat([Buffer.alloc(5), block])],
  ['with both', 0x28, (block: Buffer) => Buffer.concat([Buffer.from([2]), Buffer.alloc(5), block, Buffer.alloc(2)])],
])('HEADERS %s', (_, flags, wrap) => {
  const block = (authority: string) => wrap(Buffer.concat([Buffer.from([0x3f, 0xe1, 0x1f, 0x83]), plain(1, authority), plain(4, '/a/b')]))
  const given = Buffer.concat([preface, frame(1, flags, block('/r/s.sock'))])
  expect(Buffer.concat(createAuthorityFilter()(given))).toEqual(Buffer.concat([preface, frame(1, flags, block('-r-s.sock'))]))
})

test.each([
  ['as it is', Buffer.concat([Buffer.from([0x40, 10]), Buffer.from(':authority')])],
  ['in Huffman code', Buffer.concat([Buffer.from([0x40, 0x88]), Buffer.from('b83b5339ec327d7f', 'hex')])],
])('a name that is spelled out %s', (_, name) => {
  const block = (authority: string) => Buffer.concat([name, Buffer.from([authority.length]), Buffer.from(authority), plain(4, '/a/b')])
  const given = Buffer.concat([preface, frame(1, 4, block('/r/s.sock'))])
  expect(Buffer.concat(createAuthorityFilter()(given))).toEqual(Buffer.concat([preface, frame(1, 4, block('-r-s.sock'))]))
})

const anyFrame = fc.tuple(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 300 }))

test('whatever comes, in whatever pieces: as many bytes, and only HEADERS change', () => {
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (frames, sizes) => {
      const given = frames.map(([type, flags, payload]) => frame(type, flags, Buffer.from(payload)))
      const whole = Buffer.concat([preface, ...given])
      const sent = Buffer.from(whole)
      const filter = createAuthorityFilter()
      const received: Buffer[] = []
      for (let at = 0, piece = 0; at < sent.length; piece += 1) {
        const size = sizes[piece % sizes.length] ?? 1
        received.push(...filter(Buffer.from(sent.subarray(at, at + size))))
        at += size
      }
      const all = Buffer.concat(received)
      expect(all.length).toBe(whole.length)
      let at = preface.length
      for (const bytes of given) {
        if (bytes[3] !== 1) expect(all.subarray(at, at + bytes.length)).toEqual(bytes)
        at += bytes.length
      }
    }),
  )
})
