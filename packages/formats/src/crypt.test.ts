import { describe, expect, test } from 'vitest'
import { cryptMethod, isModernCryptHash, lockShadowPassword, parseShadowPassword, unlockShadowPassword } from './crypt.ts'
import { cryptSalt, sha512Crypt } from './sha512-crypt.ts'

const bcrypt = `$2b$12$${'a'.repeat(53)}`

test.each([
  [`$y$j9T$abcdefgh$${'x'.repeat(43)}`, 'yescrypt'],
  [`$gy$j9T$abcdefgh$${'x'.repeat(43)}`, 'gost-yescrypt'],
  [`$7$CU..../....saltsalt$${'x'.repeat(43)}`, 'scrypt'],
  [bcrypt, 'bcrypt'],
  [`$6$salt$${'x'.repeat(86)}`, 'sha512crypt'],
  [`$6$rounds=10000$salt$${'x'.repeat(86)}`, 'sha512crypt'],
  [`$5$salt$${'x'.repeat(43)}`, 'sha256crypt'],
  [`$1$salt$${'x'.repeat(22)}`, 'md5crypt'],
  ['abJnggxhB/yWI', 'descrypt'],
  [`$6$salt$${'x'.repeat(85)}`, undefined],
  [`$6$salt$${'x'.repeat(86)}\n`, undefined],
  [`$9$salt$${'x'.repeat(86)}`, undefined],
  ['secret', undefined],
  ['', undefined],
  ['!', undefined],
])('%j is %s', (hash, method) => {
  expect(cryptMethod(hash)).toBe(method)
})

test('a short word may be a DES hash, but not a modern one', () => {
  expect(isModernCryptHash('correcthorse1')).toBe(false)
  expect(isModernCryptHash(bcrypt)).toBe(true)
})

test('the shadow field', () => {
  expect(parseShadowPassword('')).toMatchObject({ state: 'empty', hash: undefined })
  expect(parseShadowPassword(bcrypt)).toEqual({ state: 'hash', hash: bcrypt, method: 'bcrypt' })
  expect(parseShadowPassword(`!${bcrypt}`)).toEqual({ state: 'locked', hash: bcrypt, method: 'bcrypt' })
  for (const field of ['*', '!', '!!', '!*', 'x']) expect(parseShadowPassword(field)).toMatchObject({ state: 'disabled' })
})

test('lock and unlock', () => {
  expect(lockShadowPassword(bcrypt)).toBe(`!${bcrypt}`)
  expect(lockShadowPassword(`!${bcrypt}`)).toBe(`!${bcrypt}`)
  expect(lockShadowPassword('')).toBe('!')
  expect(lockShadowPassword('*')).toBe('*')
  expect(unlockShadowPassword(`!${bcrypt}`)).toBe(bcrypt)
  expect(unlockShadowPassword('!')).toBe('!')
})

describe('sha512Crypt', () => {
  // Test vectors from the end of the SHA-crypt specification.
  test.each([
    [
      'Hello world!',
      'saltstring',
      undefined,
      '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1',
    ],
    [
      'Hello world!',
      'saltstringsaltst',
      10_000,
      '$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.',
    ],
    [
      'the minimum number is still observed',
      'roundstoolow',
      1000,
      '$6$rounds=1000$roundstoolow$kUMsbe306n21p9R.FRkW3IGn.S9NPN0x50YhH1xhLsPuWGsUSklZt58jaTfF4ZEQpyUNGc0dqbpBYYBaHHrsX.',
    ],
  ])('%s, %s, %s', (password, salt, rounds, hash) => {
    expect(sha512Crypt(password, salt, rounds === undefined ? {} : { rounds })).toBe(hash)
  })

  test.each([
    ['p', ''],
    ['p', 'a'.repeat(17)],
    ['p', 'a$b'],
    ['p\0q', 'salt'],
  ])('refuses %j with salt %j', (password, salt) => {
    expect(() => sha512Crypt(password, salt)).toThrow(RangeError)
  })

  test.each([0, 999, 1_000_000_000, 5000.5])('refuses %d rounds', (rounds) => {
    expect(() => sha512Crypt('p', 'salt', { rounds })).toThrow(RangeError)
  })

  test('a salt is one character for each byte', () => {
    expect(cryptSalt(new Uint8Array([0, 1, 63, 64, 255]))).toBe('./z.z')
  })
})
