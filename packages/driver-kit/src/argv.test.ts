import { expect, test } from 'vitest'
import { assertArgv, describeArgv, quoteArgv, quoteWord } from './argv.ts'

test.each([
  ['', "''"],
  ['plain', "'plain'"],
  ["it's", `'it'\\''s'`],
  ['$(x) `y` "z" \\ \n', `'$(x) \`y\` "z" \\ \n'`],
])('%j is quoted as %j', (word, quoted) => {
  expect(quoteWord(word)).toBe(quoted)
})

test('words are joined by a space', () => {
  expect(quoteArgv(['a', 'b c'])).toBe("'a' 'b c'")
})

test('NUL and an empty program are programming mistakes', () => {
  expect(() => quoteWord('a\0b')).toThrow(TypeError)
  expect(() => assertArgv(['a', 'b\0'])).toThrow(TypeError)
  expect(() => assertArgv([''])).toThrow(TypeError)
  expect(() => assertArgv(['a', ''])).not.toThrow()
})

test('a description is one line of bounded length', () => {
  const text = describeArgv(['printf', 'a\nb', 'x'.repeat(1000)])
  expect(text).not.toContain('\n')
  expect(text.length).toBeLessThanOrEqual(203)
})
