import type { FileHandle } from 'node:fs/promises'
import { hostPath } from '@host-deployer/driver-api'
import { expect, test } from 'vitest'
import { type DiskInput, explainExport, qemuNbdArgv } from './export-disk.ts'
import { optionsSchema } from './options.ts'
import type { SessionPlace } from './session-place.ts'

const image = { handle: { fd: 21 } as FileHandle, format: 'raw', kind: 'file', writable: true } as const
const input = (readOnly: boolean): DiskInput => ({
  place: { id: 'x', directory: '/run/s' } as SessionPlace,
  request: { id: 'disk0', access: 'read-write', chain: [{ path: hostPath('/images/a:b,c.raw'), format: 'raw' }] },
  opened: { id: 'disk0', readOnly, images: [image] },
  index: 0,
  qemuNbd: '/usr/bin/qemu-nbd',
  options: optionsSchema.parse({}),
  signal: undefined,
})

test('qemu-nbd gets formats and descriptors, and no name of an image', () => {
  const argv = qemuNbdArgv(input(true), '/run/s/x.sock', [])
  expect(argv.slice(0, 3)).toEqual(['/usr/bin/qemu-nbd', '--socket=/run/s/x.sock', '--read-only'])
  expect(argv.join(' ')).not.toContain('/images/')
  const node = JSON.parse((argv.at(-1) ?? '').slice('json:'.length))
  expect(node).toMatchObject({ driver: 'blkdebug', image: { driver: 'raw', file: { driver: 'file', filename: '/proc/self/fd/3' } } })
  expect(qemuNbdArgv(input(false), '/run/s/x.sock', [])).not.toContain('--read-only')
})

// As QEMU 7.2 words them.
test.each([
  ['qemu-nbd: Failed to blk_new_open \'json:{}\': Failed to get "write" lock', 'IMAGE_LOCKED'],
  ["qemu-nbd: Failed to blk_new_open 'json:{}': Image is not in qcow2 format", 'IMAGE_DAMAGED'],
  ['Failed to open /dev/nbd0: No such device', 'DRIVER_NBD_EXPORT_FAILED'],
])('%s', (stderr, code) => {
  expect(explainExport(input(false), stderr).code).toBe(code)
})
