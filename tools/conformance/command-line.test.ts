import { describe, expect, it } from 'vitest'
import { conformanceArguments } from './command-line.ts'

const surroundings = { root: '/repo', directory: '/home/me', cacheDirectory: '/cache' }
const cache = ['--cache-directory', '/cache']

describe('the arguments of ./dev conformance', () => {
  it.each([
    [
      ['qemu-initramfs', '--json'],
      ['/repo/packages/driver-qemu-initramfs/src/index.ts', '--json', ...cache],
    ],
    [['qemu-kvm'], ['/repo/packages/driver-qemu-initramfs/src/index.ts', ...cache]],
    [['nbd'], ['/repo/packages/driver-nbd/src/index.ts', '--options', '{"trustImages":true}', ...cache]],
    [
      ['nbd', '--options', '{}'],
      ['/repo/packages/driver-nbd/src/index.ts', '--options', '{}', ...cache],
    ],
    [['reference'], ['/repo/packages/driver-testkit/src/testing/reference-driver.ts', ...cache]],
    [
      ['./mine.js', '--group', 'fs'],
      ['/home/me/mine.js', '--group', 'fs', ...cache],
    ],
    [
      ['/abs/mine.js', '--cache-directory=/x'],
      ['/abs/mine.js', '--cache-directory=/x'],
    ],
    [['dist/mine.js'], ['/home/me/dist/mine.js', ...cache]],
    [['qsd-fuse'], ['/repo/examples/driver-qsd-fuse', '--options', '{"trustImages":true}', ...cache]],
    [['../../repo/examples/driver-plain-js/'], ['/repo/examples/driver-plain-js', '--options', '{"trustImages":true}', ...cache]],
    [['@me/driver'], ['@me/driver', ...cache]],
    [['--help'], ['--help']],
    [[], []],
  ])('%j', (args, expected) => {
    expect(conformanceArguments(args, surroundings)).toEqual(expected)
  })
})
