import { describe, expect, test } from 'vitest'
import { codesOf } from './find-codes.ts'

const codes = (text: string) => codesOf(text, 'x.ts').map(({ code }) => code)

describe('a code is found where it is given', () => {
  test.each([
    ["throw new InputError('INPUT_INVALID', 'x')", ['INPUT_INVALID']],
    ["throw new FooError('SOME_CODE', 'OTHER_TEXT')", ['SOME_CODE']],
    ["throw new AbortError('ABORTED', '')", ['ABORTED']],
    ["new DiskError(damaged ? 'IMAGE_DAMAGED' : 'IMAGE_LOCKED', '')", ['IMAGE_DAMAGED', 'IMAGE_LOCKED']],
    ["diagnose({ severity: 'info', code: 'SUDO_NOT_INSTALLED', summary: 'SUDO_TEXT' })", ['SUDO_NOT_INSTALLED']],
    ["fail(x, 'BLOCK_SCAN_FAILED')", ['BLOCK_SCAN_FAILED']],
    ["type FsErrorKind = 'not-found' | 'io'", ['FS_NOT_FOUND', 'FS_IO']],
    ["switch (x) { case 'A': throw new E_Error('EXEC_FAILED') }", ['EXEC_FAILED']],
  ])('%s', (text, expected) => {
    expect(codes(text)).toEqual(expected)
  })
})

describe('and not where it is read, or is something else', () => {
  test.each([
    ["if (error.code === 'IMAGE_LOCKED') retry()"],
    ["switch (code) { case 'IMAGE_LOCKED': break }"],
    ["error.code.startsWith('IMAGE_')"],
    ["const x = { code: 'ENOENT' }"],
    ["type Code = 'INPUT_INVALID'"],
    ["// throw new InputError('INPUT_INVALID')"],
    ["const env = 'PATH_NAME'"],
  ])('%s', (text) => {
    expect(codes(text)).toEqual([])
  })
})

test('with its place', () => {
  expect(codesOf("\n\nthrow new InputError('INPUT_INVALID', '')", 'a/b.ts')).toEqual([
    { code: 'INPUT_INVALID', file: 'a/b.ts', line: 3, thrownBy: 'InputError' },
  ])
})
