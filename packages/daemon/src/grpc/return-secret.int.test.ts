import { execFileSync } from 'node:child_process'
import { constants, generateKeyPairSync, privateDecrypt } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { publicKeyLines } from './public-key-line.ts'
import { encryptForClient, longestPasswordBytes } from './return-secret.ts'

const uuid = '5f1a8c1e-0d1f-4b64-9a62-6f2f0d6d7c11'

/** As the clients of the field decrypt: the program openssl, AES-256-CFB8, the IV in front. */
function opensslCfb8(base64: string, keyText: string): string {
  const bytes = Buffer.from(base64, 'base64')
  const key = Buffer.from(keyText.slice(0, 32).padEnd(32, '$')).toString('hex')
  const iv = bytes.subarray(0, 16).toString('hex')
  return execFileSync('openssl', ['enc', '-d', '-aes-256-cfb8', '-K', key, '-iv', iv], { input: bytes.subarray(16) }).toString()
}

const lengthed = (bytes: Buffer | string) => {
  const data = Buffer.from(bytes)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  return Buffer.concat([length, data])
}

/** A new RSA key as a line of authorized_keys. */
function rsaPair(bits: number) {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: bits })
  const { n = '', e = '' } = publicKey.export({ format: 'jwk' })
  const number = (text: string) => lengthed(Buffer.concat([Buffer.alloc(1), Buffer.from(text, 'base64url')]))
  const body = Buffer.concat([lengthed('ssh-rsa'), lengthed(Buffer.from(e, 'base64url')), number(n)]).toString('base64')
  return { line: `ssh-rsa ${body} someone`, privateKey }
}
const keyOf = (line: string) => publicKeyLines(line, 'x')[0]

test('without a key the uuid decrypts it', () => {
  for (const password of ['x', 'Pa$$ "word" `id`', 'ü'.repeat(30), 'a'.repeat(200)]) {
    expect(opensslCfb8(encryptForClient(password, { uuid }), uuid)).toBe(password)
  }
  expect(opensslCfb8(encryptForClient('short', { uuid: 'abc' }), 'abc')).toBe('short')
})

test('two times differ', () => {
  expect(encryptForClient('x', { uuid })).not.toBe(encryptForClient('x', { uuid }))
})

test.each(['ssh-ed25519', 'ecdsa-sha2-nistp256'])('with an %s key the text of the key decrypts it', (type) => {
  const body = Buffer.concat([lengthed(type), lengthed(Buffer.alloc(32, 7))]).toString('base64')
  const publicKey = keyOf(`${type} ${body} me@here`)
  if (publicKey === undefined) throw new TypeError('no key')
  expect(opensslCfb8(encryptForClient('secret 1', { uuid, publicKey }), `${type} ${body}`)).toBe('secret 1')
})

test('with an RSA key only the private key decrypts it: Node, and openssl', () => {
  const { line, privateKey } = rsaPair(2048)
  const publicKey = keyOf(line)
  if (publicKey === undefined) throw new TypeError('no key')
  const sealed = Buffer.from(encryptForClient('Pa$$word', { uuid, publicKey }), 'base64')
  const padding = constants.RSA_PKCS1_OAEP_PADDING
  expect(privateDecrypt({ key: privateKey, padding, oaepHash: 'sha1' }, sealed).toString()).toBe('Pa$$word')
  const directory = mkdtempSync(join(tmpdir(), 'rsa-'))
  try {
    const [key, data, out] = ['key', 'data', 'out'].map((name) => join(directory, name)) as [string, string, string]
    writeFileSync(key, privateKey.export({ type: 'pkcs8', format: 'pem' }))
    writeFileSync(data, sealed)
    const options = ['-pkeyopt', 'rsa_padding_mode:oaep', '-pkeyopt', 'rsa_oaep_md:sha1']
    execFileSync('openssl', ['pkeyutl', '-decrypt', '-inkey', key, '-in', data, '-out', out, ...options])
    expect(readFileSync(out, 'utf8')).toBe('Pa$$word')
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test('the longest password a key can carry', () => {
  const { line } = rsaPair(1024)
  const publicKey = keyOf(line)
  if (publicKey === undefined) throw new TypeError('no key')
  const longest = longestPasswordBytes(publicKey) ?? 0
  expect(longest).toBe(86)
  expect(encryptForClient('x'.repeat(longest), { uuid, publicKey })).not.toBe('')
  expect(longestPasswordBytes(undefined)).toBeUndefined()
})

test('a blob that is no key', () => {
  const body = Buffer.concat([lengthed('ssh-rsa'), lengthed(Buffer.alloc(3)), Buffer.from([0xff, 0xff, 0xff, 0xff, 1])]).toString('base64')
  const publicKey = keyOf(`ssh-rsa ${body}`)
  if (publicKey === undefined) throw new TypeError('no key')
  expect(() => encryptForClient('x', { uuid, publicKey })).toThrow(expect.objectContaining({ code: 'INPUT_SSH_KEY_INVALID' }))
})
