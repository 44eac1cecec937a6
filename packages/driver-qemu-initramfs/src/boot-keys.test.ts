import { expect, test } from 'vitest'
import { bootKeysArchive, dropbearPrivateKey, generateBootKeys } from './boot-keys.ts'

test("dropbear's format: name, then seed and point", () => {
  const { host } = generateBootKeys()
  const key = Buffer.from(dropbearPrivateKey(host))
  expect(key).toHaveLength(4 + 11 + 4 + 64)
  expect(key.toString('latin1', 4, 15)).toBe('ssh-ed25519')
  expect(key.readUInt32BE(15)).toBe(64)
  expect(key.subarray(-32).equals(Buffer.from(host.publicKeyBlob).subarray(-32))).toBe(true)
})

test('every VM has keys of its own, and our private key stays here', () => {
  const [a, b] = [generateBootKeys(), generateBootKeys()]
  expect(a.client.publicKeyLine).not.toBe(b.client.publicKeyLine)
  const archive = Buffer.from(bootKeysArchive(a))
  expect(archive.includes(a.client.publicKeyLine)).toBe(true)
  expect(archive.includes(Buffer.from(a.client.seed))).toBe(false)
})
