import { generateSshKeyPair, type SshKeyPair } from '@host-deployer/driver-kit'
import { writeCpio } from './cpio.ts'

/** The keys of one VM. They live as long as it does, in memory. */
export interface BootKeys {
  /** Ours, to log in with. */
  readonly client: SshKeyPair
  /** The appliance's; the only one we accept. */
  readonly host: SshKeyPair
}

/** Makes both key pairs. */
export function generateBootKeys(): BootKeys {
  return { client: generateSshKeyPair(), host: generateSshKeyPair() }
}

/** RFC 4251 `string`. */
function lengthPrefixed(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** dropbear's own private key format for ed25519: the algorithm's name, then seed and public point as one string (ed25519.c). */
export function dropbearPrivateKey({ seed, point }: Pick<SshKeyPair, 'seed' | 'point'>): Uint8Array {
  return Buffer.concat([lengthPrefixed(Buffer.from('ssh-ed25519')), lengthPrefixed(Buffer.concat([seed, point]))])
}

/** The archive to append to the appliance's initramfs, see docs/appliance.md. */
export function bootKeysArchive({ client, host }: BootKeys): Uint8Array {
  return writeCpio([
    { type: 'directory', path: 'root', mode: 0o700 },
    { type: 'directory', path: 'root/.ssh', mode: 0o700 },
    { type: 'file', path: 'root/.ssh/authorized_keys', mode: 0o600, content: Buffer.from(`${client.publicKeyLine}\n`) },
    { type: 'file', path: 'etc/dropbear/dropbear_ed25519_host_key', mode: 0o600, content: dropbearPrivateKey(host) },
  ])
}
