import { expect, test } from 'vitest'
import { parseQcow2Header, QCOW2_HEADER_BYTES } from './qcow2-header.ts'
import { emptyQcow2Overlay } from './qcow2-overlay.ts'

const header = (change: (view: DataView) => void = () => {}): Uint8Array => {
  const bytes = emptyQcow2Overlay(3 * 1024 ** 3).slice(0, QCOW2_HEADER_BYTES)
  change(new DataView(bytes.buffer))
  return bytes
}

test('an empty overlay: header, refcounts and an L1 table that covers the disk', () => {
  expect(parseQcow2Header(header())).toEqual({
    version: 3,
    virtualSizeBytes: 3 * 1024 ** 3,
    hasBackingFile: false,
    hasExternalDataFile: false,
    encrypted: false,
    tablesEndBytes: 3 * 65_536 + 6 * 8,
  })
  expect(emptyQcow2Overlay(3 * 1024 ** 3)).toHaveLength(4 * 65_536)
  expect(emptyQcow2Overlay(8 * 1024 ** 4)).toHaveLength(5 * 65_536)
})

test('what names another file, and encryption, is seen', () => {
  expect(parseQcow2Header(header((view) => view.setBigUint64(8, 4096n)))).toMatchObject({ hasBackingFile: true })
  expect(parseQcow2Header(header((view) => view.setBigUint64(72, 4n)))).toMatchObject({ hasExternalDataFile: true })
  expect(parseQcow2Header(header((view) => view.setUint32(32, 2)))).toMatchObject({ encrypted: true })
})

test.each<[string, (view: DataView) => void]>([
  ['another magic', (view) => view.setUint32(0, 0x51464900)],
  ['version 1', (view) => view.setUint32(4, 1)],
  ['version 4', (view) => view.setUint32(4, 4)],
  ['clusters of one byte', (view) => view.setUint32(20, 0)],
  ['clusters beyond all bounds', (view) => view.setUint32(20, 60)],
  ['a size beyond all bounds', (view) => view.setBigUint64(24, 1n << 62n)],
  ['tables beyond all bounds', (view) => view.setBigUint64(40, 1n << 62n)],
])('%s: no header', (_, change) => {
  expect(parseQcow2Header(header(change))).toBeUndefined()
})

test('a header cut short is none', () => {
  for (const length of [0, 3, 71, 103]) expect(parseQcow2Header(header().subarray(0, length))).toBeUndefined()
})
