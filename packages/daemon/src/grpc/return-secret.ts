import { constants, createCipheriv, createPublicKey, type KeyObject, publicEncrypt, randomBytes } from 'node:crypto'
import { InputError } from '@host-deployer/driver-api'
import type { PublicKeyLine } from './public-key-line.ts'

export interface SecretRecipient {
  /** The user's key, when the request has one. */
  readonly publicKey?: PublicKeyLine
  /** The machine's. */
  readonly uuid: string
}

/**
 * The password as the field returns it, base64: encrypted for the user's RSA key (RSA-OAEP with SHA-1); for other keys AES-256-CFB8 with the key's own
 * text, `type body` and a line break, as the secret; without a key, with the machine's uuid. A random IV stands in front of the latter two.
 *
 * Only RSA keeps it from anybody: a public key and a uuid are no secrets. Clients of the field can decrypt nothing else.
 */
export function encryptForClient(password: string, { publicKey, uuid }: SecretRecipient): string {
  if (publicKey === undefined) return aesCfb8(password, uuid)
  if (publicKey.type !== 'ssh-rsa') return aesCfb8(password, `${publicKey.type} ${publicKey.body}\n`)
  const key = rsaKey(publicKey.body)
  const padding = constants.RSA_PKCS1_OAEP_PADDING
  try {
    return publicEncrypt({ key, padding, oaepHash: 'sha1' }, Buffer.from(password)).toString('base64')
  } catch (cause) {
    throw notRsa(cause)
  }
}

const keyBytes = 32
const ivBytes = 16

function aesCfb8(text: string, keyText: string): string {
  const key = Buffer.alloc(keyBytes, '$')
  Buffer.from(keyText).copy(key)
  const iv = randomBytes(ivBytes)
  const cipher = createCipheriv('aes-256-cfb8', key, iv)
  return Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final()]).toString('base64')
}

/** The longest password an RSA key can carry: OAEP with SHA-1 needs 42 bytes of the modulus (RFC 8017, 7.1.1). `undefined`: any. */
export function longestPasswordBytes(publicKey: PublicKeyLine | undefined): number | undefined {
  if (publicKey?.type !== 'ssh-rsa') return undefined
  return (rsaKey(publicKey.body).asymmetricKeyDetails?.modulusLength ?? 0) / 8 - 42
}

/** RFC 4253, 6.6: the texts `ssh-rsa`, exponent, modulus, each with its length before it. `INPUT_SSH_KEY_INVALID`. */
function rsaKey(body: string): KeyObject {
  try {
    const blob = Buffer.from(body, 'base64')
    const fields: Buffer[] = []
    for (let at = 0; at < blob.length && fields.length < 3; ) {
      const length = blob.readUInt32BE(at)
      fields.push(blob.subarray(at + 4, at + 4 + length))
      at += 4 + length
    }
    const [, e, n] = fields
    if (e === undefined || n === undefined) throw new RangeError('fields are missing')
    const number = (bytes: Buffer) => bytes.subarray(bytes.findIndex((byte) => byte !== 0)).toString('base64url')
    return createPublicKey({ key: { kty: 'RSA', e: number(e), n: number(n) }, format: 'jwk' })
  } catch (cause) {
    throw notRsa(cause)
  }
}

const notRsa = (cause: unknown) =>
  new InputError('INPUT_SSH_KEY_INVALID', 'deploy_info.public_key.public_key: is not an RSA key that something can be encrypted with', {
    hint: 'Give a line of a .pub file.',
    cause,
  })
