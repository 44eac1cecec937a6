import { expect, test } from 'vitest'
import { type KernelModule, parseModinfo, renderModuleIndex, stripSignature } from './kernel-modules.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')

test('modinfo: dependencies by the name the kernel uses, aliases', () => {
  expect(parseModinfo(bytes('license=GPL\0alias=fs-xfs\0depends=libcrc32c,dm-mod\0alias=xfs-x\0'))).toEqual({
    depends: ['libcrc32c', 'dm_mod'],
    aliases: ['fs-xfs', 'xfs-x'],
  })
  expect(parseModinfo(bytes('depends=\0'))).toEqual({ depends: [], aliases: [] })
})

test('a signature is cut off, a file without one is left alone', () => {
  const information = Buffer.alloc(12)
  information.writeUInt32BE(5, 8)
  const signed = Buffer.concat([bytes('module'), bytes('12345'), information, bytes('~Module signature appended~\n')])
  expect(Buffer.from(stripSignature(signed)).toString()).toBe('module')
  expect(stripSignature(bytes('module'))).toEqual(bytes('module'))
})

test('the index lists what a module needs, nearest first, each once', () => {
  const module = (path: string, depends: string[], aliases: string[] = []): KernelModule => ({ path, depends, aliases, content: bytes('') })
  const { dep, alias } = renderModuleIndex([
    module('kernel/a/top.ko', ['left', 'right'], ['fs-top']),
    module('kernel/b/left.ko', ['base_one']),
    module('kernel/b/right.ko', ['base_one', 'builtin_thing']),
    module('kernel/c/base-one.ko', []),
  ])
  const [top, ...others] = dep.split('\n')
  // Loaded from right to left: the base before both that need it.
  expect(top?.split(' ')[0]).toBe('kernel/a/top.ko:')
  expect(top?.split(' ').slice(1).sort()).toEqual(['kernel/b/left.ko', 'kernel/b/right.ko', 'kernel/c/base-one.ko'])
  expect(top?.split(' ').at(-1)).toBe('kernel/c/base-one.ko')
  expect(others).toEqual(['kernel/b/left.ko: kernel/c/base-one.ko', 'kernel/b/right.ko: kernel/c/base-one.ko', 'kernel/c/base-one.ko:', ''])
  expect(alias).toBe('alias fs-top top\n')
})
