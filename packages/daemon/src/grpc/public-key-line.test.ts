import fc from 'fast-check'
import { expect, test } from 'vitest'
import { publicKeyLines } from './public-key-line.ts'

const lengthed = (bytes: Buffer | string) => {
  const data = Buffer.from(bytes)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  return Buffer.concat([length, data])
}

const ed25519 = `ssh-ed25519 ${Buffer.concat([lengthed('ssh-ed25519'), lengthed(Buffer.alloc(32, 9))]).toString('base64')}`

test.each([
  ['one', ed25519, ['']],
  ['with a comment and a line break', `${ed25519} me here\n`, ['me here']],
  ['two, blank lines and a comment', `\n# mine\n${ed25519} a\r\n\n${ed25519} b\n`, ['a', 'b']],
  ['none', ' \n', []],
])('public keys: %s', (_, text, comments) => {
  expect(publicKeyLines(text, 'x').map(({ comment }) => comment)).toEqual(comments)
})

test('options stay', () => {
  expect(publicKeyLines(`from="10.0.0.0/8",command="echo \\"a b\\"" ${ed25519} x`, 'x')[0]?.options).toBe(
    'from="10.0.0.0/8",command="echo \\"a b\\""',
  )
})

test.each(['ssh-ed25519', 'ssh-ed25519 AAAA', 'ssh-rsa BBBB', 'hello', `ssh-rsa ${ed25519.split(' ')[1]}`])('not a key: %s', (text) => {
  expect(() => publicKeyLines(text, 'x')).toThrow(expect.objectContaining({ code: 'INPUT_SSH_KEY_INVALID' }))
})

test('any text is keys or an error, in no time', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 5000 }), (text) => {
      try {
        publicKeyLines(text, 'x')
      } catch (error) {
        expect(error).toMatchObject({ code: 'INPUT_SSH_KEY_INVALID' })
      }
    }),
  )
  const startMs = performance.now()
  expect(() => publicKeyLines('"'.repeat(100_000), 'x')).toThrow()
  expect(() => publicKeyLines(`${'a"b"'.repeat(30_000)} ssh-rsa`, 'x')).toThrow()
  expect(performance.now() - startMs).toBeLessThan(2000)
})
