import { expect, test } from 'vitest'
import { type CpioEntry, writeCpio } from './cpio.ts'

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')
const file = (path: string, content: string, mode = 0o644): CpioEntry => ({ type: 'file', path, mode, content: Buffer.from(content) })

/** An independent reading of the format, straight from the kernel's description. */
function parse(archive: Uint8Array): { name: string; fields: number[]; content: string }[] {
  const all = text(archive)
  const found = []
  let at = 0
  for (;;) {
    expect(all.slice(at, at + 6)).toBe('070701')
    const fields = Array.from({ length: 13 }, (_, i) => Number.parseInt(all.slice(at + 6 + i * 8, at + 14 + i * 8), 16))
    const nameSize = fields[11] ?? 0
    const size = fields[6] ?? 0
    const name = all.slice(at + 110, at + 110 + nameSize - 1)
    const start = Math.ceil((at + 110 + nameSize) / 4) * 4
    if (name === 'TRAILER!!!') return found
    found.push({ name, fields, content: all.slice(start, start + size) })
    at = Math.ceil((start + size) / 4) * 4
  }
}

test('every kind of entry can be read back, owned by root, without times', () => {
  const archive = writeCpio([
    { type: 'directory', path: 'root', mode: 0o700 },
    file('root/five', '12345', 0o600),
    { type: 'symlink', path: 'root/link', mode: 0o777, target: '/bin/busybox' },
    { type: 'character-device', path: 'console', mode: 0o600, major: 5, minor: 1 },
  ])
  const entries = parse(archive)
  expect(entries.map(({ name, content }) => [name, content])).toEqual([
    ['root', ''],
    ['root/five', '12345'],
    ['root/link', '/bin/busybox'],
    ['console', ''],
  ])
  expect(entries.map(({ fields }) => fields[1]?.toString(8))).toEqual(['40700', '100600', '120777', '20600'])
  expect(entries.map(({ fields }) => fields[0])).toEqual([1, 2, 3, 4])
  expect(entries[3]?.fields.slice(9, 11)).toEqual([5, 1])
  for (const { fields } of entries) expect([fields[2], fields[3], fields[5]]).toEqual([0, 0, 0])
  expect(archive.length % 512).toBe(0)
})

test('the length of a file needs no alignment', () => {
  for (const content of ['', 'a', 'ab', 'abc', 'abcd']) {
    expect(parse(writeCpio([file('f', content), file('g', 'next')])).map((entry) => entry.content)).toEqual([content, 'next'])
  }
})

test('a name outside ASCII is counted in bytes', () => {
  const [entry] = parse(writeCpio([file('\u00fc', 'x')]))
  expect(entry?.fields[11]).toBe(3)
  expect(entry?.content).toBe('x')
})

test.each(['', '/etc/passwd', '../x', 'a/../b', './a', 'a//b', 'a\0b', 'TRAILER!!!'])('refuses the path %j', (path) => {
  expect(() => writeCpio([file(path, '')])).toThrow(TypeError)
})

test('refuses the same path twice', () => {
  expect(() => writeCpio([file('a', ''), file('a', '')])).toThrow(TypeError)
})
