import { describe, expect, test } from 'vitest'
import { testHash } from '../../testing/requests.ts'
import { hashPassword, isPasswordOf, randomPassword } from './password-hash.ts'

const counting = () => {
  let next = 0
  return (count: number) => Uint8Array.from({ length: count }, () => next++ & 0xff)
}

describe('hashPassword', () => {
  test('takes its salt from the random source', () => {
    expect(hashPassword('secret', counting())).toMatch(/^\$6\$\.\/0123456789ABCD\$/)
  })

  test.each(['secret', '', 'p\u00e4ssw\u00f6rd', 'x'.repeat(200), '$6$not$ahash', 'colon:inside'])('%j is found again', (password) => {
    const hash = hashPassword(password, counting())
    expect(isPasswordOf(password, hash)).toBe(true)
    expect(isPasswordOf(`${password}.`, hash)).toBe(false)
  })
})

describe('isPasswordOf', () => {
  test('knows a hash that openssl made', () => {
    expect(isPasswordOf('secret', testHash)).toBe(true)
  })

  test.each([
    ['another method', '$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7'],
    ['no hash', '!'],
    ['more rounds than anybody waits for', testHash.replace('$6$', '$6$rounds=999999999$')],
    ['a salt crypt would not make', '$6$bad salt$abc'],
  ])('%s is never a match', (_title, hash) => {
    expect(isPasswordOf('secret', hash)).toBe(false)
  })
})

describe('randomPassword', () => {
  test('has 20 characters that nobody mixes up', () => {
    expect(randomPassword(counting())).toMatch(/^[a-km-np-zA-HJ-NP-Z2-9]{20}$/)
  })

  test('another source, another password', () => {
    const bytes = counting()
    expect(randomPassword(bytes)).not.toBe(randomPassword(bytes))
  })

  test('bytes that would favour some characters are passed over', () => {
    let calls = 0
    const password = randomPassword((count) => new Uint8Array(count).fill(calls++ === 0 ? 255 : 3))
    expect(password).toBe('d'.repeat(20))
  })
})
