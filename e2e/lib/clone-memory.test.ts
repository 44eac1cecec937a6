import { expect, test } from 'vitest'
import { cloneMemoryOf } from './clone-memory.ts'

const mapping = (range: string, permissions: string, sizeKib: number, sharedKib: number, dirtyKib: number, name = '') =>
  `${range} ${permissions} 00000000 00:00 0 ${name}\nSize:           ${sizeKib} kB\nKernelPageSize:        4 kB\nRss:            ${sharedKib + dirtyKib} kB\nPss:            ${sharedKib / 4 + dirtyKib} kB\nAnonymous:      ${dirtyKib} kB\nShared_Clean:   ${sharedKib} kB\nPrivate_Clean:      0 kB\nPrivate_Dirty:  ${dirtyKib} kB\nVmFlags: rd wr mr mw me ac\n`

test('guest pages, translated code and what is QEMU alone', () => {
  const smaps = [
    mapping('55d0c0000000-55d0c0400000', 'r-xp', 4096, 3000, 0),
    mapping('7f0000000000-7f0010000000', 'rw-p', 262_144, 1000, 50_000),
    mapping('7f0020000000-7f0028000000', 'rwxp', 131_072, 0, 20_000),
    mapping('7f0040000000-7f0080000000', '---p', 1_048_576, 0, 0),
    mapping('7f0100000000-7f0100100000', 'rw-p', 1024, 0, 700),
  ].join('')
  expect(cloneMemoryOf(smaps, 256)).toEqual({
    guestBytes: 51_000 * 1024,
    guestSharedBytes: 1000 * 1024,
    guestProportionalBytes: 50_250 * 1024,
    guestCopiedBytes: 50_000 * 1024,
    qemuBytes: 20_700 * 1024,
    translatedBytes: 20_000 * 1024,
    qemuSharedBytes: 3000 * 1024,
  })
  expect(() => cloneMemoryOf(smaps, 512)).toThrow(TypeError)
})

test('memory that is held is the guest, whatever else is as large', () => {
  const smaps = [
    mapping(
      '7f0000000000-7f0010000000',
      'rw-p',
      262_144,
      100_000,
      20_000,
      '                         /memfd:host-deployer-template (deleted)',
    ),
    mapping('7f0020000000-7f0030000000', 'rw-p', 262_144, 0, 700),
  ]
  for (const order of [smaps, smaps.toReversed()]) {
    expect(cloneMemoryOf(order.join(''), 256)).toMatchObject({
      guestBytes: 120_000 * 1024,
      guestSharedBytes: 100_000 * 1024,
      guestProportionalBytes: 45_000 * 1024,
      guestCopiedBytes: 20_000 * 1024,
      qemuBytes: 700 * 1024,
    })
  }
})
