import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DeployError } from '@host-deployer/driver-api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { driverSpecifier } from './driver-specifier.ts'
import { loadDriver } from './load-driver.ts'

let directory: string
const schema = `{ '~standard': { version: 1, vendor: 'test', validate: (value) => value.bad ? { issues: [{ message: 'not good', path: ['bad'] }] } : { value: { ...value, filled: true } } } }`
const sources: Readonly<Record<string, string>> = {
  'good.mjs': `export const driver = { apiVersion: 1, name: 'good', options: ${schema}, async probe() {}, async open() {} }`,
  'future.mjs': `export const driver = { apiVersion: 2, name: 'future', options: ${schema}, async probe() {}, async open() {} }`,
  'nothing.mjs': 'export const other = 1',
  'no-open.mjs': `export const driver = { apiVersion: 1, name: 'x', options: ${schema}, async probe() {} }`,
  'no-schema.mjs': `export const driver = { apiVersion: 1, name: 'x', options: {}, async probe() {}, async open() {} }`,
  'throws.mjs': `throw new Error('boom')`,
}
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'hd-loader-'))
  for (const [name, text] of Object.entries(sources)) writeFileSync(join(directory, name), text)
  const installed = join(directory, 'node_modules', '@somebody', 'their-driver')
  mkdirSync(installed, { recursive: true })
  writeFileSync(join(installed, 'package.json'), '{ "name": "@somebody/their-driver", "type": "module", "exports": "./index.js" }')
  writeFileSync(join(installed, 'index.js'), sources['good.mjs'] ?? '')
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

async function codeOf(name: string, options: unknown = {}): Promise<string> {
  const error = await loadDriver(name, { from: [directory], options }).then(
    () => undefined,
    (cause: unknown) => cause,
  )
  expect(DeployError.isInstance(error) && error.hint).toBeTruthy()
  return (error as DeployError).code
}

test('a path and a package are loaded, options validated and filled in', async () => {
  for (const name of ['./good.mjs', join(directory, 'good.mjs'), '@somebody/their-driver']) {
    const { driver, options } = await loadDriver(name, { from: [directory], options: { a: 1 } })
    expect(driver.name).toBe('good')
    expect(options).toEqual({ a: 1, filled: true })
  }
})

test('packages are searched from every given directory', async () => {
  const { driver } = await loadDriver('@somebody/their-driver', { from: [tmpdir(), directory] })
  expect(driver.name).toBe('good')
})

test('each thing that can be wrong has its own code', async () => {
  expect(await codeOf('./absent.mjs')).toBe('DRIVER_NOT_FOUND')
  expect(await codeOf('no-such-driver')).toBe('DRIVER_NOT_FOUND')
  expect(await codeOf('./throws.mjs')).toBe('DRIVER_IMPORT_FAILED')
  expect(await codeOf('./nothing.mjs')).toBe('DRIVER_INVALID')
  expect(await codeOf('./no-open.mjs')).toBe('DRIVER_INVALID')
  expect(await codeOf('./no-schema.mjs')).toBe('DRIVER_INVALID')
  expect(await codeOf('./future.mjs')).toBe('DRIVER_API_UNSUPPORTED')
  expect(await codeOf('./good.mjs', { bad: true })).toBe('DRIVER_OPTIONS_INVALID')
})

test('names of ours, aliases, packages, paths', () => {
  expect(driverSpecifier('nbd')).toEqual({ type: 'package', name: '@host-deployer/driver-nbd' })
  expect(driverSpecifier('qemu-kvm')).toEqual({ type: 'package', name: '@host-deployer/driver-qemu-initramfs' })
  expect(driverSpecifier('@somebody/their-driver')).toEqual({ type: 'package', name: '@somebody/their-driver' })
  expect(driverSpecifier('./mine.js')).toEqual({ type: 'path', path: './mine.js' })
  expect(driverSpecifier('/opt/mine.js')).toEqual({ type: 'path', path: '/opt/mine.js' })
})
