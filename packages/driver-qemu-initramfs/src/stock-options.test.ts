import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { optionsSchema } from './options.ts'

const stock = { kernel: '/k', initramfs: '/i', passwordFile: '/p' }
const accepts = (options: unknown): boolean => optionsSchema.safeParse(options).success

test('a stock appliance has defaults of its own', () => {
  expect(optionsSchema.parse({}).memoryMb).toBe(256)
  expect(optionsSchema.parse({ stock })).toMatchObject({ memoryMb: 768, stock: { username: 'root' } })
  expect(optionsSchema.parse({ stock, memoryMb: 512 }).memoryMb).toBe(512)
})

test('either a password or a file with one', () => {
  expect(accepts({ stock })).toBe(true)
  expect(accepts({ stock: { ...stock, password: 'x' } })).toBe(false)
  expect(accepts({ stock: { kernel: '/k', initramfs: '/i' } })).toBe(false)
  expect(accepts({ stock: { kernel: '/k', initramfs: '/i', password: '' } })).toBe(false)
})

test('a password is hidden from everything that prints', () => {
  const parsed = optionsSchema.parse({ stock: { kernel: '/k', initramfs: '/i', password: 'canary' } })
  expect(parsed.stock?.password?.reveal()).toBe('canary')
  for (const shown of [JSON.stringify(parsed), inspect(parsed, { depth: 9, showHidden: true }), `${parsed.stock?.password}`]) {
    expect(shown).not.toContain('canary')
  }
})

test.each([
  ['console=ttyS0 quiet', true],
  ['console=ttyS0,115200 panic=-1 root=/dev/ram0', true],
  ['net.ifnames=0', false],
  ['quiet  ', false],
  ['a=$(reboot)', false],
  ['a=b;c', false],
])('kernel command line %j', (kernelCommandLine, expected) => {
  expect(accepts({ stock: { ...stock, kernelCommandLine } })).toBe(expected)
})
