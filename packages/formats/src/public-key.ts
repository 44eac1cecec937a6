import { createHash } from 'node:crypto'

/** A public key as in `id_ed25519.pub`: `TYPE BASE64 [COMMENT]`. */
export interface PublicKey {
  readonly type: string
  /** The key blob in base64, the identity of the key. */
  readonly body: string
  /** Empty when there is none. */
  readonly comment: string
}

/**
 * What the fields after the type name in the blob look like (RFC 4253 6.6, RFC 5656 3.1, RFC 8709, OpenSSH's PROTOCOL.u2f): a length in
 * bytes, or 0 for any length from 1.
 */
const fieldsByType: Readonly<Record<string, readonly number[]>> = {
  'ssh-ed25519': [32],
  'ssh-rsa': [0, 0],
  'ssh-dss': [0, 0, 0, 0],
  'ecdsa-sha2-nistp256': [8, 65],
  'ecdsa-sha2-nistp384': [8, 97],
  'ecdsa-sha2-nistp521': [8, 133],
  'sk-ssh-ed25519@openssh.com': [32, 0],
  'sk-ecdsa-sha2-nistp256@openssh.com': [8, 65, 0],
}

// A certificate holds nonce, key fields, serial and a dozen more (PROTOCOL.certkeys); only its frame is checked here.
const certificateTypes = new Set(Object.keys(fieldsByType).map((type) => `${type.replace('@openssh.com', '')}-cert-v01@openssh.com`))

/** True for the key and certificate types that OpenSSH knows, FIDO (`sk-`) ones included. */
export function isPublicKeyType(type: string): boolean {
  return Object.hasOwn(fieldsByType, type) || certificateTypes.has(type)
}

/** The length-prefixed strings of a blob (RFC 4251 5), `undefined` when it is cut short. */
function blobFields(blob: Buffer): Buffer[] | undefined {
  const fields: Buffer[] = []
  for (let at = 0; at < blob.length; ) {
    if (at + 4 > blob.length) return undefined
    const end = at + 4 + blob.readUInt32BE(at)
    if (end > blob.length) return undefined
    fields.push(blob.subarray(at + 4, end))
    at = end
  }
  return fields
}

function blobMatches(type: string, blob: Buffer): boolean {
  if (certificateTypes.has(type)) {
    const length = blob.length >= 4 ? blob.readUInt32BE(0) : -1
    return blob.toString('latin1', 4, 4 + length) === type && blob.length > 4 + length + 100
  }
  const [name, ...fields] = blobFields(blob) ?? []
  const lengths = fieldsByType[type]
  if (name === undefined || lengths === undefined || name.toString('latin1') !== type || fields.length !== lengths.length) return false
  return fields.every((field, i) => field.length > 0 && (lengths[i] === 0 || field.length === lengths[i]))
}

/**
 * Reads `TYPE BASE64 [COMMENT]`, one line. `undefined` when the type is unknown, the body is not base64, or the blob in it is of another
 * type or cut short.
 */
export function parsePublicKey(text: string): PublicKey | undefined {
  const [, type = '', body = '', comment = ''] = /^(\S+)[ \t]+([A-Za-z0-9+/]+={0,2})(?:[ \t]+(.*))?$/s.exec(text.trim()) ?? []
  if (!isPublicKeyType(type) || body.length % 4 !== 0) return undefined
  return blobMatches(type, Buffer.from(body, 'base64')) ? { type, body, comment: comment.trim() } : undefined
}

/** The fingerprint as `ssh-keygen -l` shows it: `SHA256:` and 43 characters. */
export function publicKeyFingerprint(key: PublicKey): string {
  return `SHA256:${createHash('sha256').update(Buffer.from(key.body, 'base64')).digest('base64').replace(/=+$/, '')}`
}
