import { cryptSalt, sha512Crypt } from '@host-deployer/formats'

/** Cryptographically strong bytes. */
export type RandomBytes = (count: number) => Uint8Array

/** SHA-512 crypt with a fresh salt of 16 characters: every guest since 2007 reads it, whatever its own default is. */
export function hashPassword(password: string, randomBytes: RandomBytes): string {
  return sha512Crypt(password, cryptSalt(randomBytes(16)))
}

// An image's own hash may ask for up to 999999999 rounds: hours. What we write has the default of 5000.
const maxRounds = 100_000

/**
 * Whether a password belongs to a `$6$` hash. Hashes of other methods, with odd salts or with more than 100000 rounds are never of
 * our making: false.
 */
export function isPasswordOf(password: string, hash: string): boolean {
  const [, roundsText, salt] = /^\$6\$(?:rounds=(\d+)\$)?([./0-9A-Za-z]{1,16})\$/.exec(hash) ?? []
  if (salt === undefined) return false
  const rounds = roundsText === undefined ? undefined : Number(roundsText)
  if (rounds !== undefined && (rounds < 1000 || rounds > maxRounds)) return false
  return sha512Crypt(password, salt, rounds === undefined ? {} : { rounds }) === hash
}

// Without letters and digits that are taken for each other: 0 O o, 1 I l L.
const alphabet = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789'

/** 20 characters, each equally likely: 115 bits. */
export function randomPassword(randomBytes: RandomBytes): string {
  const limit = 256 - (256 % alphabet.length)
  let password = ''
  while (password.length < 20) {
    for (const byte of randomBytes(32)) if (byte < limit && password.length < 20) password += alphabet.charAt(byte % alphabet.length)
  }
  return password
}
