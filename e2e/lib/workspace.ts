import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { discard, keepOnFailure } from './evidence.ts'

/** A directory for the tests of one file: images, overlays, console logs. Kept, with its path printed, when one of them failed. */
export interface Workspace {
  readonly directory: string
  path(...names: readonly string[]): string
  write(name: string, content: string): Promise<string>
  /** As {@link discard}; of a test file it happens at the end by itself. */
  remove(): Promise<void>
}

export async function createWorkspace(name: string): Promise<Workspace> {
  const directory = await mkdtemp(join(tmpdir(), `hd-e2e-${name}-`))
  keepOnFailure(directory)
  const path = (...names: readonly string[]) => join(directory, ...names)
  return {
    directory,
    path,
    async write(file, content) {
      await writeFile(path(file), content)
      return path(file)
    },
    remove: () => discard(directory),
  }
}

export interface KeyPair {
  /** As ssh2 takes it. */
  readonly privateKey: string
  /** A line of authorized_keys. */
  readonly publicKey: string
}

/** An RSA key pair, the public half as RFC 4253 6.6 encodes it; ssh2 reads the PEM. */
export function createKeyPair(comment: string): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const { e, n } = publicKey.export({ format: 'jwk' })
  const field = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, bytes.length >> 8, bytes.length & 0xff]), bytes])
  const integer = (text: string | undefined) => {
    const bytes = Buffer.from(text ?? '', 'base64url')
    return field((bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes)
  }
  const blob = Buffer.concat([field(Buffer.from('ssh-rsa')), integer(e), integer(n)])
  return {
    privateKey: privateKey.export({ format: 'pem', type: 'pkcs1' }).toString(),
    publicKey: `ssh-rsa ${blob.toString('base64')} ${comment}`,
  }
}
