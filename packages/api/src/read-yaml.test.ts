import { describe, expect, test } from 'vitest'
import { readYaml } from './read-yaml.ts'
import { refused } from './testing/parse.ts'

const read = (text: string) => structuredClone(readYaml('f', text).value)
const faults = (text: string) => {
  const error = refused({ metaData: text })
  return { code: error.code, problem: (error.context['problems'] as { line?: number; column?: number }[])[0] }
}

describe('as PyYAML reads it', () => {
  test.each([
    ['a: yes', { a: true }],
    ['a: "yes"', { a: 'yes' }],
    ['a: off', { a: false }],
    ['a: [y, N]', { a: ['y', 'N'] }],
    ['a: 12', { a: 12 }],
    ['a: -1', { a: -1 }],
    ['a: 1.5', { a: 1.5 }],
    ['a: ~\nb: 1', { b: 1 }],
    ['a: [~]', { a: [null] }],
    ['base: &b {x: 1, y: 2}\na:\n  <<: *b\n  y: 3', { base: { x: 1, y: 2 }, a: { x: 1, y: 3 } }],
    ['a: {<<: [{x: 1}, {x: 2, y: 2}]}', { a: { x: 1, y: 2 } }],
    ['{"a": {"b": [1, "x"]}}', { a: { b: [1, 'x'] } }],
    ['content: !!binary aGk=', { content: new Uint8Array([104, 105]) }],
    ['1: a\nyes: b', { '1': 'a', yes: 'b' }],
  ])('%s', (text, value) => {
    expect(read(text)).toEqual(value)
  })
})

test.each(['0123', '1_000', '12:30', '52:54:00:12:34:56', '0x1f', '1e3', '1.10', '2030-12-31', '12345678901234567890', '.inf'])(
  '%s stays what is written',
  (text) => {
    expect(read(`a: ${text}`)).toEqual({ a: text })
  },
)

describe('faults have a position', () => {
  test.each([
    ['a: [1, 2\nb: 3', 2],
    ['a: b: c', 1],
    ['a: 1\na: 2', 2],
    ['1: a\n"1": b', 2],
    ['\ta: 1', 1],
    ['a: "x\nb: 2', 2],
    ['a: *nowhere', 1],
    ['a: !!python/object:os.system x', 1],
    ['a: !mine x', 1],
    ['a: 1\n---\nb: 2', 2],
    ['a: 1\n? [x]\n: 2', 2],
    ['__proto__: {a: 1}', 1],
    ['a: 1\n<<: 5', 2],
  ])('%j in line %i', (text, line) => {
    expect(faults(text)).toMatchObject({ code: 'INPUT_YAML_INVALID', problem: { line, column: expect.any(Number) } })
  })
})

describe('size', () => {
  test('aliases cannot multiply', () => {
    const level = (index: number) =>
      `l${index}: &l${index} [${Array(10)
        .fill(`*l${index - 1}`)
        .join(', ')}]`
    const text = ['l0: &l0 [x, x, x, x, x, x, x, x, x, x]', ...Array.from({ length: 9 }, (_, index) => level(index + 1))].join('\n')
    expect(faults(text).code).toBe('INPUT_CONTENT_TOO_LARGE')
  })

  test.each([
    ['an alias inside its own anchor', 'a: &a [*a]'],
    ['a hundred levels', `${'['.repeat(100)}${']'.repeat(100)}`],
    ['twenty thousand levels', `${'['.repeat(20_000)}`],
  ])('%s', (_, text) => {
    expect(faults(text).code).toBe('INPUT_YAML_INVALID')
  })

  test('long files', () => {
    expect(faults('#'.repeat(4 * 1024 * 1024 + 1)).code).toBe('INPUT_CONTENT_TOO_LARGE')
  })
})

test('locate gives the place of a key, or of the nearest one above', () => {
  const { locate } = readYaml('f', 'a:\n  - b: 1\n    c: {d: 2}\n')
  expect(locate(['a'])).toEqual({ line: 1, column: 1 })
  expect(locate(['a', 0, 'c', 'd'])).toEqual({ line: 3, column: 9 })
  expect(locate(['a', 0, 'missing'])).toEqual({ line: 2, column: 5 })
  expect(locate([])).toBeUndefined()
})

test('binary data is for file contents only', () => {
  expect(faults('instance-id: !!binary aGk=').code).toBe('INPUT_INVALID')
  expect(refused({ networkConfig: 'version: 2\nethernets: {content: !!binary aGk=}' }, { ignoreUnsupported: true }).code).toMatch(/^INPUT_/)
})
