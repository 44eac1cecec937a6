// The C library's crypt(3), reached through Perl, hashes the same.
import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { sha512Crypt } from './sha512-crypt.ts'

const lengths = [0, 1, 2, 15, 16, 17, 31, 32, 63, 64, 65, 127, 128, 129, 200, 255]

test.each(lengths)('a password of %i bytes', (length) => {
  const password = Array.from({ length }, (_, i) => String.fromCharCode(33 + ((i * 7) % 90))).join('')
  for (const salt of ['a', './09AZaz', 'saltstringsaltst']) {
    const { stdout } = spawnSync('perl', ['-e', 'print crypt($ARGV[0], $ARGV[1])', password, `$6$${salt}`], { encoding: 'utf8' })
    expect(sha512Crypt(password, salt)).toBe(stdout)
  }
})

test('bytes, not characters, are hashed', () => {
  const { stdout } = spawnSync('perl', ['-e', 'print crypt($ARGV[0], $ARGV[1])', 'p\u00e4ssw\u00f6rd\u{1f511}', '$6$rounds=1000$salt'], {
    encoding: 'utf8',
  })
  expect(sha512Crypt('p\u00e4ssw\u00f6rd\u{1f511}', 'salt', { rounds: 1000 })).toBe(stdout)
})
