import { constants, privateDecrypt } from 'node:crypto'
import { execa } from 'execa'

/** Decrypts what a deploy returned, as clients do, with the program openssl: AES-256-CFB8, the IV in front, the text padded with `$` as the key. */
export async function decryptWithText(key: string, text: string): Promise<string> {
  const bytes = Buffer.from(key, 'base64')
  const secret = Buffer.from(text.slice(0, 32).padEnd(32, '$')).toString('hex')
  const iv = bytes.subarray(0, 16).toString('hex')
  const options = { input: bytes.subarray(16), stripFinalNewline: false }
  return (await execa('openssl', ['enc', '-d', '-aes-256-cfb8', '-K', secret, '-iv', iv], options)).stdout
}

/** The same for an RSA key. */
export function decryptWithRsa(key: string, privateKey: string): string {
  const padding = constants.RSA_PKCS1_OAEP_PADDING
  return privateDecrypt({ key: privateKey, padding, oaepHash: 'sha1' }, Buffer.from(key, 'base64')).toString()
}
