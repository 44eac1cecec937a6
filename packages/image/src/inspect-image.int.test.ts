import { execFileSync } from 'node:child_process'
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DeployError } from '@host-deployer/driver-api'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inspectImage } from './inspect-image.ts'

let directory: string
const inside = (...names: string[]) => join(directory, ...names)
const qemuImg = (...args: string[]) => execFileSync('qemu-img', args, { cwd: directory, stdio: 'pipe' })

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'none'
  } catch (error) {
    if (!DeployError.isInstance(error)) throw error
    expect(error.hint).toBeTruthy()
    return error.code
  }
}

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'hd-image-'))
  qemuImg('create', '-q', '-f', 'qcow2', 'plain.qcow2', '10G')
  writeFileSync(inside('data.raw'), Buffer.alloc(4 * 1024 * 1024, 7))
  qemuImg('convert', '-O', 'qcow2', 'data.raw', 'full.qcow2')
  qemuImg('convert', '-c', '-O', 'qcow2', 'data.raw', 'compressed.qcow2')
  qemuImg('create', '-q', '-f', 'qcow2', '-b', 'full.qcow2', '-F', 'qcow2', 'overlay.qcow2')
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

test('a raw image is its size', async () => {
  expect(await inspectImage(inside('data.raw'))).toMatchObject({ format: 'raw', virtualSizeBytes: 4 * 1024 * 1024 })
})

test('a qcow2 image has the size its header says, whatever made it', async () => {
  expect(await inspectImage(inside('plain.qcow2'))).toMatchObject({ format: 'qcow2', virtualSizeBytes: 10 * 2 ** 30 })
  expect(await inspectImage(inside('compressed.qcow2'))).toMatchObject({ format: 'qcow2' })
  for (const [name, option] of [
    ['v2', 'compat=0.10'],
    ['small-clusters', 'cluster_size=512'],
    ['big-clusters', 'cluster_size=2M'],
    ['extended', 'extended_l2=on'],
    ['allocated', 'preallocation=metadata'],
    ['zstd', 'compression_type=zstd'],
  ] as const) {
    qemuImg('create', '-q', '-f', 'qcow2', '-o', option, `${name}.qcow2`, '1G')
    expect(await inspectImage(inside(`${name}.qcow2`)), name).toMatchObject({ format: 'qcow2', virtualSizeBytes: 2 ** 30 })
  }
})

test('an overlay on a base beside it is a chain of two', async () => {
  const { chain } = await inspectImage(inside('overlay.qcow2'))
  expect(chain.map(({ format }) => format)).toEqual(['qcow2', 'qcow2'])
})

test('what is not a disk image is refused by its own code', async () => {
  mkdirSync(inside('directory'))
  writeFileSync(inside('empty'), '')
  symlinkSync('loop', inside('loop'))
  execFileSync('mkfifo', [inside('fifo')])
  expect(await codeOf(inspectImage(inside('missing')))).toBe('IMAGE_NOT_FOUND')
  expect(await codeOf(inspectImage(inside('loop')))).toBe('IMAGE_NOT_FOUND')
  expect(await codeOf(inspectImage(inside('directory')))).toBe('IMAGE_NOT_A_DISK')
  expect(await codeOf(inspectImage(inside('fifo')))).toBe('IMAGE_NOT_A_DISK')
  expect(await codeOf(inspectImage(inside('empty')))).toBe('IMAGE_EMPTY')
  for (const format of ['vmdk', 'vdi', 'vhdx', 'qed', 'qcow', 'parallels']) {
    qemuImg('create', '-q', '-f', format, `other.${format}`, '64M')
    expect(await codeOf(inspectImage(inside(`other.${format}`))), format).toBe('IMAGE_FORMAT_UNSUPPORTED')
  }
})

test('a declared format that the bytes contradict is refused', async () => {
  expect(await codeOf(inspectImage(inside('plain.qcow2'), { format: 'raw' }))).toBe('IMAGE_FORMAT_MISMATCH')
  expect(await codeOf(inspectImage(inside('data.raw'), { format: 'qcow2' }))).toBe('IMAGE_FORMAT_MISMATCH')
})

test('a copy that was cut short is damaged, wherever the cut is', async () => {
  for (const source of ['full.qcow2', 'compressed.qcow2']) {
    const bytes = statSync(inside(source)).size
    for (const keep of [0.1, 0.5]) {
      writeFileSync(inside('cut.qcow2'), readFileSync(inside(source)))
      truncateSync(inside('cut.qcow2'), Math.floor(bytes * keep))
      expect(await codeOf(inspectImage(inside('cut.qcow2'))), `${source} ${keep}`).toBe('IMAGE_DAMAGED')
    }
  }
  writeFileSync(inside('cut.qcow2'), readFileSync(inside('full.qcow2')).subarray(0, 50))
  expect(await codeOf(inspectImage(inside('cut.qcow2')))).toBe('IMAGE_DAMAGED')
})

test('files that a header names must lie inside the allowed paths', async () => {
  const outside = mkdtempSync(join(tmpdir(), 'hd-image-outside-'))
  try {
    writeFileSync(join(outside, 'secret'), 'root:x:0:0')
    qemuImg('create', '-q', '-u', '-f', 'qcow2', '-b', join(outside, 'secret'), '-F', 'raw', 'escape.qcow2', '1M')
    expect(await codeOf(inspectImage(inside('escape.qcow2')))).toBe('IMAGE_BACKING_REFUSED')
    expect(await inspectImage(inside('escape.qcow2'), { allowPaths: [outside] })).toMatchObject({ format: 'qcow2' })

    symlinkSync(join(outside, 'secret'), inside('link'))
    qemuImg('create', '-q', '-u', '-f', 'qcow2', '-b', 'link', '-F', 'raw', 'by-link.qcow2', '1M')
    expect(await codeOf(inspectImage(inside('by-link.qcow2')))).toBe('IMAGE_BACKING_REFUSED')

    qemuImg('create', '-q', '-u', '-f', 'qcow2', '-b', 'json:{"driver":"file","filename":"/etc/shadow"}', '-F', 'raw', 'json.qcow2', '1M')
    expect(await codeOf(inspectImage(inside('json.qcow2')))).toBe('IMAGE_BACKING_REFUSED')
    qemuImg('create', '-q', '-u', '-f', 'qcow2', '-b', 'nbd:localhost:10809', '-F', 'raw', 'nbd.qcow2', '1M')
    expect(await codeOf(inspectImage(inside('nbd.qcow2')))).toBe('IMAGE_BACKING_REFUSED')
  } finally {
    rmSync(outside, { recursive: true, force: true })
  }
})

describe('an image behind a link', () => {
  /** What QEMU takes for the base of an image at this path. */
  const baseForQemu = (path: string): string => {
    const chain = JSON.parse(qemuImg('info', '--backing-chain', '--output=json', path).toString()) as { readonly filename: string }[]
    // The native one leaves `..` after a link to the kernel.
    return realpathSync.native(`${directory}/${chain[1]?.filename ?? ''}`)
  }
  const store = (...names: string[]) => join(realpathSync(directory), 'linked', ...names)

  beforeAll(() => {
    for (const name of ['images', 'store/deep', 'lone']) mkdirSync(inside('linked', name), { recursive: true })
    for (const name of ['images/base', 'store/base', 'images/only-here', 'store/only-there']) {
      qemuImg('create', '-q', '-f', 'qcow2', `linked/${name}`, '1M')
    }
    for (const base of ['base', 'only-here', 'only-there', './base', '../store/base']) {
      qemuImg('create', '-q', '-u', '-f', 'qcow2', '-b', base, '-F', 'qcow2', `linked/store/on-${base.replaceAll('/', '_')}`, '1M')
    }
    qemuImg('create', '-q', '-u', '-f', 'qcow2', '-b', '../base', '-F', 'qcow2', 'linked/store/deep/above', '1M')
    for (const name of readdirSync(inside('linked/store'))) {
      if (name.startsWith('on-')) symlinkSync(`../store/${name}`, inside('linked/images', name))
    }
    symlinkSync('store', inside('linked/same'))
    symlinkSync('../store/deep', inside('linked/lone/deep'))
  })

  test.each([
    ['linked/images/on-only-here', 'images/only-here'],
    ['linked/same/on-base', 'store/base'],
    ['linked/lone/deep/above', 'store/base'],
    ['linked/images/on-.._store_base', 'store/base'],
  ])('%s is based on what QEMU takes', async (path, name) => {
    const base = store(name)
    expect(baseForQemu(path)).toBe(base)
    const { chain } = await inspectImage(inside(path), { allowPaths: [directory] })
    expect(chain[1]?.path).toBe(base)
  })

  test.each(['on-base', 'on-._base'])('%s: of two bases neither is taken', async (name) => {
    expect(baseForQemu(`linked/images/${name}`)).toBe(store('images/base'))
    expect(await codeOf(inspectImage(inside('linked/images', name), { allowPaths: [directory] }))).toBe('IMAGE_BACKING_REFUSED')
    expect((await inspectImage(inside('linked/store', name))).chain[1]?.path).toBe(store('store/base'))
  })

  test('a base that only the target has beside it is the base', async () => {
    expect((await inspectImage(inside('linked/images/on-only-there'))).chain[1]?.path).toBe(store('store/only-there'))
  })

  test('beside the link is not yet inside the allowed paths', async () => {
    expect(await codeOf(inspectImage(inside('linked/images/on-only-here')))).toBe('IMAGE_BACKING_REFUSED')
  })
})

test('a base without a format, a data file, a loop and a base that is another format are refused', async () => {
  qemuImg('create', '-q', '-f', 'qcow2', '-o', 'data_file=outside.raw,data_file_raw=on', 'external.qcow2', '1M')
  expect(await codeOf(inspectImage(inside('external.qcow2')))).toBe('IMAGE_DATA_FILE_REFUSED')

  qemuImg('create', '-q', '-u', '-f', 'qcow2', '-b', 'odd.qcow2', '-F', 'qcow2', 'even.qcow2', '1M')
  qemuImg('create', '-q', '-u', '-f', 'qcow2', '-b', 'even.qcow2', '-F', 'qcow2', 'odd.qcow2', '1M')
  expect(await codeOf(inspectImage(inside('odd.qcow2')))).toBe('IMAGE_CHAIN_TOO_LONG')

  qemuImg('create', '-q', '-u', '-f', 'qcow2', '-b', 'full.qcow2', '-F', 'raw', 'lying.qcow2', '1M')
  expect(await codeOf(inspectImage(inside('lying.qcow2')))).toBe('IMAGE_FORMAT_MISMATCH')

  qemuImg('create', '-q', '-u', '-f', 'qcow2', '-b', 'gone.qcow2', '-F', 'qcow2', 'orphan.qcow2', '1M')
  expect(await codeOf(inspectImage(inside('orphan.qcow2')))).toBe('IMAGE_NOT_FOUND')

  const formatless = readFileSync(inside('overlay.qcow2'))
  formatless.writeUInt32BE(0, formatless.readUInt32BE(100))
  writeFileSync(inside('formatless.qcow2'), formatless)
  expect(await codeOf(inspectImage(inside('formatless.qcow2')))).toBe('IMAGE_BACKING_FORMAT_MISSING')
})

test('any bytes in a header give an answer or a coded error', async () => {
  const original = readFileSync(inside('overlay.qcow2'))
  linkSync(inside('full.qcow2'), inside('full-link.qcow2'))
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 4, max: 200 }), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 6 }),
      async (pokes) => {
        const bytes = Buffer.from(original)
        for (const [offset, value] of pokes) bytes[offset] = value
        writeFileSync(inside('poked.qcow2'), bytes)
        await codeOf(inspectImage(inside('poked.qcow2')))
      },
    ),
    { numRuns: 300 },
  )
})
