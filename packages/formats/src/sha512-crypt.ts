import { createHash } from 'node:crypto'

// https://www.akkadia.org/drepper/SHA-crypt.txt, its step numbers in the comments. The npm package unixcrypt 3.0.4 gets passwords of
// 64, 128, ... bytes wrong, hence this one.

const alphabet = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const digestBytes = 64

/** Salt text from random bytes: one character for each byte, every character equally likely. 16 bytes are what the methods take. */
export function cryptSalt(randomBytes: Uint8Array): string {
  return Array.from(randomBytes, (byte) => alphabet.charAt(byte & 63)).join('')
}

export interface Sha512CryptOptions {
  /** 1000 to 999999999. Default 5000, which is then not written into the hash. */
  readonly rounds?: number
}

const sha512 = (...parts: readonly Uint8Array[]) => parts.reduce((hash, part) => hash.update(part), createHash('sha512')).digest()

/** `block` over and over, cut to a length. */
const stretch = (block: Buffer, length: number) => Buffer.alloc(length, block)

/**
 * Hashes a password by sha512crypt, the `$6$` of crypt(5). Takes about 20 ms.
 * Throws `RangeError` for a salt that is not 1 to 16 characters of `[./0-9A-Za-z]`, for rounds out of range, for a password with NUL
 * (crypt(3) would stop there).
 */
export function sha512Crypt(password: string, salt: string, options: Sha512CryptOptions = {}): string {
  const { rounds } = options
  if (!/^[./0-9A-Za-z]{1,16}$/.test(salt)) throw new RangeError('A salt has 1 to 16 characters of [./0-9A-Za-z]')
  if (password.includes('\0')) throw new RangeError('A password must not contain NUL')
  if (rounds !== undefined && (!Number.isInteger(rounds) || rounds < 1000 || rounds > 999_999_999)) {
    throw new RangeError(`Rounds are an integer from 1000 to 999999999: ${rounds}`)
  }
  const prefix = rounds === undefined ? '$6$' : `$6$rounds=${rounds}$`
  return `${prefix}${salt}$${encode(digest(Buffer.from(password), Buffer.from(salt), rounds ?? 5000))}`
}

function digest(key: Buffer, salt: Buffer, rounds: number): Buffer {
  const b = sha512(key, salt, key) // 4 to 8
  const bits: Buffer[] = []
  for (let length = key.length; length > 0; length >>>= 1) bits.push(length & 1 ? b : key)
  const a = sha512(key, salt, stretch(b, key.length), ...bits) // 1 to 3, 9 to 12
  const p = stretch(sha512(stretch(key, key.length * key.length)), key.length) // 13 to 16
  const s = stretch(sha512(stretch(salt, salt.length * (16 + (a[0] ?? 0)))), salt.length) // 17 to 20
  let c = a
  for (let round = 0; round < rounds; round++) {
    // 21
    const odd = round % 2 === 1
    const hash = createHash('sha512').update(odd ? p : c)
    if (round % 3 !== 0) hash.update(s)
    if (round % 7 !== 0) hash.update(p)
    c = hash.update(odd ? c : p).digest()
  }
  return c
}

/** Step 22: three bytes from the three thirds of the digest, in turning order, make four characters, lowest bits first. */
function encode(hash: Buffer): string {
  let text = ''
  for (let i = 0; i < 21; i++) {
    const thirds = [hash[i] ?? 0, hash[i + 21] ?? 0, hash[i + 42] ?? 0]
    const [high = 0, middle = 0, low = 0] = [thirds[i % 3], thirds[(i + 1) % 3], thirds[(i + 2) % 3]]
    text += characters((high << 16) | (middle << 8) | low, 4)
  }
  return text + characters(hash[digestBytes - 1] ?? 0, 2)
}

function characters(value: number, count: number): string {
  return Array.from({ length: count }, (_, i) => alphabet.charAt((value >>> (6 * i)) & 63)).join('')
}
