import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { applianceInfo, installAppliance } from './install-appliance.ts'

let directory: string
const at = (name: string): string => join(directory, name)

const described = (text: string): object => ({ sha256: createHash('sha256').update(text).digest('hex'), sizeBytes: text.length })

async function writeAppliance(name: string, kernel: string, changes: object = {}): Promise<string> {
  const manifest = {
    apiVersion: 1,
    architecture: 'amd64',
    id: createHash('sha256').update(kernel).digest('hex'),
    kernelVersion: '6.12.1',
    kernelCommandLine: '',
    minimumMemoryMiB: 256,
    kernel: described(kernel),
    initramfs: described('initramfs'),
    packages: [],
    ...changes,
  }
  await mkdir(at(name), { recursive: true })
  await writeFile(join(at(name), 'kernel'), kernel)
  await writeFile(join(at(name), 'initramfs'), 'initramfs')
  await writeFile(join(at(name), 'manifest.json'), JSON.stringify(manifest))
  return at(name)
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'install-appliance-'))
})
afterEach(() => rm(directory, { recursive: true }))

test('installs where there was nothing, replaces what was there, and leaves nothing else behind', async () => {
  await installAppliance(await writeAppliance('one', 'first'), at('deep/installed'))
  expect(await readFile(at('deep/installed/kernel'), 'utf8')).toBe('first')
  const { manifest } = await installAppliance(await writeAppliance('two', 'second'), at('deep/installed'))
  expect(await readFile(at('deep/installed/kernel'), 'utf8')).toBe('second')
  expect((await applianceInfo(at('deep/installed'))).manifest).toEqual(manifest)
  expect(await readdir(at('deep'))).toEqual(['installed'])
})

test.each([
  ['another API version', { apiVersion: 2 }, 'APPLIANCE_INCOMPATIBLE'],
  ['a wrong checksum', { kernel: described('fkernel') }, 'APPLIANCE_DAMAGED'],
])('refuses %s and keeps what is installed', async (_, changes, code) => {
  await installAppliance(await writeAppliance('good', 'first'), at('installed'))
  const bad = await writeAppliance('bad', 'kernelf', changes)
  await expect(installAppliance(bad, at('installed'))).rejects.toMatchObject({ code })
  expect(await readFile(at('installed/kernel'), 'utf8')).toBe('first')
  expect((await readdir(directory)).sort()).toEqual(['bad', 'good', 'installed'])
})

test('nothing at the source', async () => {
  await expect(installAppliance(at('nowhere'), at('installed'))).rejects.toMatchObject({ code: 'APPLIANCE_MISSING' })
  await expect(applianceInfo(at('installed'))).rejects.toMatchObject({ code: 'APPLIANCE_MISSING' })
})

test('a directory that holds no appliance', async () => {
  await mkdir(at('empty'))
  await expect(installAppliance(at('empty'), at('installed'))).rejects.toMatchObject({ code: 'APPLIANCE_MISSING' })
})
