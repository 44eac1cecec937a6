import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

let directory = ''
const schema = `{ '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } }`
const driver = (name: string, probe: unknown) =>
  `export const driver = { apiVersion: 1, name: '${name}', options: ${schema}, async probe() { return ${JSON.stringify(probe)} }, async open() {} }`
const capabilities = { isolated: false, xattrs: true, guestExec: false, partitionNodes: false, lvm: false }
const missing = { subject: 'qemu-nbd', ok: false, detail: 'not found', debianPackage: 'qemu-utils' }

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'drivers-'))
  await writeFile(join(directory, 'works.mjs'), driver('works', { usable: true, findings: [], capabilities }))
  await writeFile(join(directory, 'lacks.mjs'), driver('lacks', { usable: false, findings: [missing] }))
  await writeFile(join(directory, 'same.mjs'), driver('works', { usable: true, findings: [] }))
})
afterAll(() => rm(directory, { recursive: true }))

function drivers(...args: string[]): Promise<{ readonly exitCode: number; readonly rows: readonly unknown[] }> {
  const main = join(import.meta.dirname, '..', 'main.ts')
  const argv = ['--conditions=@host-deployer/source', '--disable-warning=ExperimentalWarning', main, 'drivers', '--json', ...args]
  const env = { ...process.env, TMPDIR: directory, XDG_CACHE_HOME: directory, XDG_STATE_HOME: directory }
  return new Promise((resolve, reject) => {
    execFile(process.execPath, argv, { env, cwd: directory }, (error, stdout, stderr) => {
      if (stdout === '') reject(new Error(stderr))
      else resolve({ exitCode: Number(error?.code ?? 0), rows: JSON.parse(stdout).drivers })
    })
  })
}

test('a driver that works says what it can do and where it is', async () => {
  const { exitCode, rows } = await drivers('./works.mjs')
  expect(exitCode).toBe(0)
  expect(rows).toEqual([
    { name: 'works', package: null, path: join(directory, 'works.mjs'), apiVersion: 1, capabilities, usable: true, findings: [] },
  ])
})

test('what does not work says why, each with its code', async () => {
  const { exitCode, rows } = await drivers('./works.mjs', './lacks.mjs', './same.mjs', './absent.mjs')
  expect(exitCode).toBe(4)
  expect(rows).toMatchObject([
    { name: 'works', usable: true },
    { name: 'lacks', usable: false, findings: [missing], error: { code: 'DRIVER_UNUSABLE' } },
    { name: './same.mjs', usable: false, error: { code: 'DRIVER_NAME_TAKEN' } },
    { name: './absent.mjs', usable: false, error: { code: 'DRIVER_NOT_FOUND' } },
  ])
})
