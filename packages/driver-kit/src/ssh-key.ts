import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'

/** An ed25519 key pair in the forms SSH programs want. Lives in memory only. */
export interface SshKeyPair {
  /** RFC 8709 public key blob: what a host key verifier compares. */
  readonly publicKeyBlob: Uint8Array
  /** One line of `authorized_keys`, without newline or comment. */
  readonly publicKeyLine: string
  /** OpenSSH's own private key format (PROTOCOL.key), not encrypted. */
  readonly privateKeyPem: string
  /** The 32 bytes of the seed and the 32 bytes of the public point, for other private key formats. */
  readonly seed: Uint8Array
  readonly point: Uint8Array
}

/** RFC 4251 `string`: length in four bytes, then the bytes. */
function sshString(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value as Uint8Array)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

function rawParts(privateKey: KeyObject): { seed: Buffer; point: Buffer } {
  // RFC 8410: in both DER encodings the 32 bytes are the last ones.
  return {
    seed: privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32),
    point: createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32),
  }
}

/** Makes a fresh ed25519 key pair. */
export function generateSshKeyPair(): SshKeyPair {
  const { seed, point } = rawParts(generateKeyPairSync('ed25519').privateKey)
  const blob = Buffer.concat([sshString('ssh-ed25519'), sshString(point)])
  // Two equal check words; they only matter for telling a wrong passphrase.
  const check = Buffer.alloc(8)
  const inner = Buffer.concat([check, blob, sshString(Buffer.concat([seed, point])), sshString('')])
  const padding = Buffer.from(Array.from({ length: (8 - (inner.length % 8)) % 8 }, (_, i) => i + 1))
  const key = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    sshString('none'),
    sshString('none'),
    sshString(''),
    Buffer.from([0, 0, 0, 1]),
    sshString(blob),
    sshString(Buffer.concat([inner, padding])),
  ])
  const lines = key.toString('base64').replaceAll(/.{1,70}/g, '$&\n')
  return {
    publicKeyBlob: blob,
    publicKeyLine: `ssh-ed25519 ${blob.toString('base64')}`,
    privateKeyPem: `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}-----END OPENSSH PRIVATE KEY-----\n`,
    seed,
    point,
  }
}
