import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DeployError } from '@host-deployer/driver-api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { driverSpecifier } from './driver-specifier.ts'
import { loadDriver } from './load-driver.ts'

let directory: string
const schema = `{ '~standard': { version: 1, vendor: 'test', validate: (value) => value.bad ? { issues: [{ message: 'not good', path: ['bad'] }] } : { value: { ...value, filled: true } } } }`
const driver = (name: string, more = '', apiVersion = 1) =>
  `export const driver = { apiVersion: ${apiVersion}, name: '${name}', options: ${schema}, async probe() {}, async open() {} ${more} }`
const files: Readonly<Record<string, string>> = {
  'good.mjs': driver('good'),
  'future.mjs': driver('future', '', 2),
  'old.mjs': driver('old', '', 0),
  'nothing.mjs': 'export const other = 1',
  'no-open.mjs': `export const driver = { apiVersion: 1, name: 'x', options: ${schema}, async probe() {} }`,
  'bad-prepare.mjs': driver('x', ', prepare: 1'),
  'no-schema.mjs': `export const driver = { apiVersion: 1, name: 'x', options: {}, async probe() {}, async open() {} }`,
  'throws.mjs': `throw new Error('boom')`,
  'impostor.mjs': driver('nbd'),
  'typed.ts': `const name: string = 'typed'; ${driver('typed').replace("'typed'", 'name')}`,
  'package/package.json': '{ "name": "in-a-directory", "version": "3.2.1", "type": "module", "exports": { "import": "./lib/index.js" } }',
  'package/lib/index.js': driver('in-a-directory'),
  'node_modules/@somebody/their-driver/package.json':
    '{ "name": "@somebody/their-driver", "version": "1.2.3", "type": "module", "exports": { ".": { "types": "./x.d.ts", "import": "./index.js" } } }',
  'node_modules/@somebody/their-driver/index.js': driver('good'),
  'node_modules/old-fields/package.json': '{ "name": "old-fields", "main": "./main.mjs" }',
  'node_modules/old-fields/main.mjs': driver('old-fields'),
  'node_modules/not-built/package.json': '{ "name": "not-built", "exports": "./dist/index.js" }',
  'node_modules/not-exported/package.json': '{ "name": "not-exported", "exports": { "./other": "./index.js" } }',
  'node_modules/@host-deployer/driver-nbd/package.json': '{ "name": "@host-deployer/driver-nbd", "exports": "./index.mjs" }',
  'node_modules/@host-deployer/driver-nbd/index.mjs': driver('nbd'),
}
beforeAll(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'hd-loader-')))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), text)
  }
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const load = (name: string, options: unknown = {}, loaded?: ReadonlyMap<string, string>) =>
  loadDriver(name, { from: [directory], options, ...(loaded === undefined ? {} : { loaded }) })

async function errorOf(...parameters: Parameters<typeof load>): Promise<DeployError> {
  const error = await load(...parameters).then(
    () => undefined,
    (cause: unknown) => cause,
  )
  expect(DeployError.isInstance(error) && error.hint).toBeTruthy()
  return error as DeployError
}
const codeOf = async (...parameters: Parameters<typeof load>): Promise<string> => (await errorOf(...parameters)).code

test('a path and a package are loaded, options validated and filled in', async () => {
  for (const name of ['./good.mjs', join(directory, 'good.mjs'), '@somebody/their-driver']) {
    const { driver, apiVersion, options } = await load(name, { a: 1 })
    expect([driver.name, apiVersion]).toEqual(['good', 1])
    expect(options).toEqual({ a: 1, filled: true })
  }
})

test('the package is told: its name, version and place', async () => {
  const their = join(directory, 'node_modules/@somebody/their-driver')
  expect(await load('@somebody/their-driver')).toMatchObject({
    path: join(their, 'index.js'),
    package: { name: '@somebody/their-driver', version: '1.2.3', path: their },
  })
  expect((await load('./package')).package).toEqual({ name: 'in-a-directory', version: '3.2.1', path: join(directory, 'package') })
  expect((await load('./node_modules/old-fields')).package?.version).toBe('0.0.0')
  expect((await load('./good.mjs')).package).toBeUndefined()
})

test('a module may be TypeScript', async () => {
  expect((await load('./typed.ts')).driver.name).toBe('typed')
})

test('packages are searched from every given directory, paths from the first', async () => {
  const { driver } = await loadDriver('@somebody/their-driver', { from: [tmpdir(), directory] })
  expect(driver.name).toBe('good')
  await expect(loadDriver('./good.mjs', { from: [tmpdir(), directory] })).rejects.toMatchObject({ code: 'DRIVER_NOT_FOUND' })
})

test.each([
  ['./absent.mjs', 'DRIVER_NOT_FOUND'],
  ['.', 'DRIVER_NOT_FOUND'],
  ['no-such-driver', 'DRIVER_NOT_FOUND'],
  ['@Not a/../name', 'DRIVER_NOT_FOUND'],
  ['./throws.mjs', 'DRIVER_IMPORT_FAILED'],
  ['./nothing.mjs', 'DRIVER_NOT_EXPORTED'],
  ['./future.mjs', 'DRIVER_API_UNSUPPORTED'],
  ['./old.mjs', 'DRIVER_API_UNSUPPORTED'],
  ['./no-open.mjs', 'DRIVER_INVALID'],
  ['./bad-prepare.mjs', 'DRIVER_INVALID'],
  ['./no-schema.mjs', 'DRIVER_INVALID'],
  ['./impostor.mjs', 'DRIVER_NAME_TAKEN'],
] as const)('%s: %s', async (name, code) => {
  expect(await codeOf(name)).toBe(code)
})

test.each([
  ['qemu-initramfs', '@host-deployer/driver-qemu-initramfs'],
  ['qemu-kvm', '@host-deployer/driver-qemu-initramfs'],
  ['@somebody/absent', '@somebody/absent'],
  ['zfs', undefined],
  ['@host-deployer/driver-zfs', undefined],
  ['unscoped.name', undefined],
] as const)('absent, %s: what is said to install is what there can be', async (name, installed) => {
  const { code, hint } = await errorOf(name)
  expect(code).toBe('DRIVER_NOT_FOUND')
  expect(/npm install (\S+?)\)/.exec(hint ?? '')?.[1]).toBe(installed)
  if (installed === undefined) expect(hint).toContain('@somebody/')
})

test('packages that are there and cannot be loaded', async () => {
  for (const name of ['not-built', 'not-exported']) {
    // A name without a scope is one of ours, so these are named by their path.
    const error = await errorOf(join(directory, 'node_modules', name))
    expect(error.code).toBe('DRIVER_IMPORT_FAILED')
    expect(error.cause).toBeInstanceOf(Error)
  }
})

test('the cause of a failed import is kept', async () => {
  expect((await errorOf('./throws.mjs')).cause).toMatchObject({ message: 'boom' })
})

test('options that are wrong are named', async () => {
  expect(await errorOf('./good.mjs', { bad: true })).toMatchObject({
    code: 'DRIVER_OPTIONS_INVALID',
    context: { issues: ['bad: not good'] },
  })
})

test('a name belongs to who came first, and ours to our packages', async () => {
  const good = await load('./good.mjs')
  const loaded = new Map([[good.driver.name, good.path]])
  expect(await codeOf('@somebody/their-driver', {}, loaded)).toBe('DRIVER_NAME_TAKEN')
  expect((await load('./good.mjs', {}, loaded)).path).toBe(good.path)
  expect((await load('nbd')).driver.name).toBe('nbd')
})

test('names of ours, aliases, packages, paths', () => {
  const package_ = (name: string) => ({ type: 'package', name })
  expect(driverSpecifier('nbd')).toEqual(package_('@host-deployer/driver-nbd'))
  expect(driverSpecifier('qemu-kvm')).toEqual(package_('@host-deployer/driver-qemu-initramfs'))
  expect(driverSpecifier('constructor')).toEqual(package_('@host-deployer/driver-constructor'))
  expect(driverSpecifier('@somebody/their-driver')).toEqual(package_('@somebody/their-driver'))
  expect(driverSpecifier('./mine.js')).toEqual({ type: 'path', path: './mine.js' })
  expect(driverSpecifier('..')).toEqual({ type: 'path', path: '..' })
  expect(driverSpecifier('/opt/mine.js')).toEqual({ type: 'path', path: '/opt/mine.js' })
})
