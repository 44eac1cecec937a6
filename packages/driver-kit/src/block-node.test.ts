import type { FileHandle } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { blockNode } from './block-node.ts'
import type { OpenedImage } from './open-images.ts'

const image = (changes: Partial<OpenedImage>): OpenedImage => ({
  handle: {} as FileHandle,
  format: 'qcow2',
  kind: 'file',
  writable: false,
  ...changes,
})

test('a chain is spelled out, every file by its descriptor, only the first writable', () => {
  const disk = {
    id: 'x',
    readOnly: false,
    images: [image({ writable: true }), image({}), image({ format: 'raw', kind: 'block-device' })],
  } as const
  expect(blockNode(disk, { nodeName: 'disk0', filenames: ['/dev/fdset/4', '/dev/fdset/5', '/dev/fdset/6'] })).toEqual({
    'node-name': 'disk0',
    driver: 'qcow2',
    'read-only': false,
    'auto-read-only': false,
    discard: 'unmap',
    file: { driver: 'file', filename: '/dev/fdset/4', 'read-only': false, 'auto-read-only': false, discard: 'unmap' },
    backing: {
      driver: 'qcow2',
      'read-only': true,
      'auto-read-only': false,
      discard: 'unmap',
      file: { driver: 'file', filename: '/dev/fdset/5', 'read-only': true, 'auto-read-only': false, discard: 'unmap' },
      backing: {
        driver: 'raw',
        'read-only': true,
        'auto-read-only': false,
        discard: 'unmap',
        file: { driver: 'host_device', filename: '/dev/fdset/6', 'read-only': true, 'auto-read-only': false, discard: 'unmap' },
      },
    },
  })
})

test('a qcow2 image without a backing file says so, whatever its header names', () => {
  expect(blockNode({ id: 'x', readOnly: true, images: [image({})] }, { filenames: ['/dev/fdset/1'] })).toMatchObject({ backing: null })
})

test('other writers are kept out where no device of a VM does that', () => {
  const disk = { id: 'x', readOnly: false, images: [image({ format: 'raw', writable: true })] } as const
  expect(blockNode(disk, { filenames: ['/x'], exclusive: true })).toMatchObject({
    driver: 'blkdebug',
    'unshare-child-perms': ['write', 'resize'],
    'read-only': false,
    image: { driver: 'raw', file: { filename: '/x' } },
  })
})
