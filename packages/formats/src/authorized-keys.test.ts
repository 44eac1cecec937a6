import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addAuthorizedKey, isAuthorizedKey, parseAuthorizedKey, parseAuthorizedKeys, removeAuthorizedKey } from './authorized-keys.ts'
import { renderLines } from './line-file.ts'
import { parsePublicKey, publicKeyFingerprint } from './public-key.ts'

function blob(...fields: readonly (string | number)[]): string {
  return Buffer.concat(
    fields.map((field) => {
      const data = typeof field === 'string' ? Buffer.from(field) : Buffer.alloc(field, 7)
      const length = Buffer.alloc(4)
      length.writeUInt32BE(data.length)
      return Buffer.concat([length, data])
    }),
  ).toString('base64')
}

const ed25519 = blob('ssh-ed25519', 32)
const rsa = blob('ssh-rsa', 3, 257)
const ecdsa = blob('ecdsa-sha2-nistp256', 'nistp256', 65)
const skEd25519 = blob('sk-ssh-ed25519@openssh.com', 32, 'ssh:')
const certificate = blob('ssh-ed25519-cert-v01@openssh.com', 32, 32, 200)

test.each([
  ['ssh-ed25519', ed25519],
  ['ssh-rsa', rsa],
  ['ecdsa-sha2-nistp256', ecdsa],
  ['sk-ssh-ed25519@openssh.com', skEd25519],
  ['ssh-ed25519-cert-v01@openssh.com', certificate],
])('a key of type %s', (type, body) => {
  expect(parsePublicKey(`${type} ${body}`)).toEqual({ type, body, comment: '' })
  expect(parsePublicKey(` ${type}\t${body}   alice at work \n`)).toEqual({ type, body, comment: 'alice at work' })
})

test.each([
  ['another type', `ssh-rsa ${ed25519}`],
  ['an unknown type', `ssh-foo ${blob('ssh-foo', 32)}`],
  ['cut short', `ssh-ed25519 ${Buffer.from(ed25519, 'base64').subarray(0, 45).toString('base64')}`],
  ['too long', `ssh-ed25519 ${blob('ssh-ed25519', 32, 1)}`],
  ['a short key', `ssh-ed25519 ${blob('ssh-ed25519', 31)}`],
  ['not base64', 'ssh-ed25519 AAAA****'],
  ['nothing', 'ssh-ed25519'],
  ['two lines', `ssh-ed25519 ${ed25519}\nssh-ed25519 ${ed25519}`],
  ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----'],
  ['inherited names', `constructor ${blob('constructor', 32)}`],
])('no key: %s', (_what, line) => {
  expect(parsePublicKey(line)).toBeUndefined()
  expect(isAuthorizedKey(line)).toBe(false)
})

describe('authorized_keys', () => {
  const text = `# admins
from="10.0.0.0/8,!10.1.*",command="echo \\"hi, you\\"",no-pty ssh-rsa ${rsa} backup@example
ssh-ed25519 ${ed25519} alice@example

ssh-ed25519 broken`
  const file = parseAuthorizedKeys(text)

  test('options are split at commas outside quotes', () => {
    expect(file.entries).toHaveLength(2)
    expect(file.entries[0]).toEqual({
      type: 'ssh-rsa',
      body: rsa,
      comment: 'backup@example',
      options: ['from="10.0.0.0/8,!10.1.*"', 'command="echo \\"hi, you\\""', 'no-pty'],
    })
    expect(parseAuthorizedKey(`command="open ssh-ed25519 ${ed25519}`)).toBeUndefined()
  })

  test('a key is added once, whatever its comment', () => {
    expect(addAuthorizedKey(file, `ssh-ed25519 ${ed25519} bob`)).toBe(file)
    const added = addAuthorizedKey(file, ` no-pty ecdsa-sha2-nistp256 ${ecdsa} bob\n`)
    expect(renderLines(added)).toBe(`${text}\nno-pty ecdsa-sha2-nistp256 ${ecdsa} bob\n`)
    expect(renderLines(addAuthorizedKey(parseAuthorizedKeys(''), `ssh-rsa ${rsa}`))).toBe(`ssh-rsa ${rsa}\n`)
    expect(() => addAuthorizedKey(file, 'ssh-ed25519 AAAA')).toThrow(RangeError)
    expect(() => addAuthorizedKey(file, `ssh-rsa ${rsa}\nssh-ed25519 ${ed25519}`)).toThrow(RangeError)
  })

  test('a key is removed by its body', () => {
    expect(renderLines(removeAuthorizedKey(file, ed25519))).toBe(text.replace(`ssh-ed25519 ${ed25519} alice@example\n`, ''))
    expect(removeAuthorizedKey(file, ecdsa)).toBe(file)
  })

  test('any text survives', () => {
    const part = fc.constantFrom('ssh-ed25519', ed25519, ' ', '\n', '\r', '"', '\\', ',', '#', 'no-pty', '=')
    fc.assert(
      fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
        const soup = parts.join('')
        const parsed = parseAuthorizedKeys(soup)
        expect(renderLines(parsed)).toBe(soup)
        const added = addAuthorizedKey(removeAuthorizedKey(parsed, ed25519), `ssh-ed25519 ${ed25519}`)
        expect(parseAuthorizedKeys(renderLines(added)).entries.filter((entry) => entry.body === ed25519)).toHaveLength(1)
      }),
    )
  })
})

test('a fingerprint', () => {
  const key = parsePublicKey(`ssh-ed25519 ${ed25519}`)
  expect(key && publicKeyFingerprint(key)).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/)
})
