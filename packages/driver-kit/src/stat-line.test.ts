import { expect, test } from 'vitest'
import { parseStatLine } from './stat-line.ts'

const owner = { uid: 1234, gid: 4321 }

test('stat -c', () => {
  expect(parseStatLine('89ef 1234 4321 5 1700000000')).toEqual({
    type: 'file',
    mode: 0o4757,
    ...owner,
    sizeBytes: 5,
    mtimeMs: 1_700_000_000_000,
  })
})

test.each([
  ['-rwsr-xrwx    1 1234     4321             5 2023-11-14 22:13:20 +0000 /x\n', 'file', 0o4757, 5],
  ['drwxr-s--T.   2 1234     4321          4096 2023-11-14 23:13:20.123456789 +0100 /a -> b', 'directory', 0o3750, 4096],
  ['lrwxrwxrwx    1 1234     4321             3 Tue Nov 14 22:13:20 2023 /l -> d-e', 'symlink', 0o777, 3],
  ['brw-rw----    1 1234     4321        8,   0 2023-11-14 22:13:20 +0000 /dev/sda', 'block-device', 0o660, 0],
  ['crw--wS---    1 1234     4321        10, 236 2023-11-14 22:13:20 +0000 /dev/x', 'character-device', 0o2620, 0],
  ['prw-r--r--    1 1234     4321             0 2023-11-14 22:13:20 +0000 /p', 'fifo', 0o644, 0],
  ['srwSr--r-t    1 1234     4321             0 2023-11-14 22:13:20 +0000 /s', 'socket', 0o5645, 0],
] as const)('ls: %s', (line, type, mode, sizeBytes) => {
  expect(parseStatLine(line)).toEqual({ type, mode, ...owner, sizeBytes, mtimeMs: 1_700_000_000_000 })
})

test('anything else is none', () => {
  for (const line of ['', 'total 0', "ls: cannot access '/x': No such file or directory"]) expect(parseStatLine(line)).toBeUndefined()
})
