import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Contract, currentContract, supportedVersions } from './contract.ts'
import { createDriverLoader, loadDriver } from './load-driver.ts'

// A next version of the contract, as it may come to be: `open` gets the purpose of the session beside the disks, and a session says which driver made it.
const nextContract: Contract = {
  version: 2,
  lifts: {
    1: (driver) => ({
      ...driver,
      apiVersion: 2,
      async open(request: Readonly<Record<string, unknown>>, context: unknown) {
        const { purpose: _, ...known } = request
        const open = driver['open'] as (request: unknown, context: unknown) => Promise<object>
        return { ...(await open.call(driver, known, context)), madeBy: driver['name'] }
      },
    }),
  },
}
const afterThat: Contract = { version: 3, lifts: { ...nextContract.lifts, 2: (driver) => ({ ...driver, apiVersion: 3, retired: true }) } }
const schema = `{ '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } }`
const source = (apiVersion: number) => `export const driver = Object.freeze({
  apiVersion: ${apiVersion}, name: 'somebodys', options: ${schema},
  async probe() { return { usable: true, findings: [] } },
  async open(request) { return { keys: Object.keys(request), own: this.name } },
})`

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'hd-contract-'))
  for (const version of [1, 2, 3, 4]) writeFileSync(join(directory, `v${version}.mjs`), source(version))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

test('this release takes version 1', () => {
  expect(supportedVersions(currentContract)).toEqual([1])
  expect(supportedVersions(nextContract)).toEqual([1, 2])
  expect(supportedVersions({ version: 5, lifts: { 4: (driver) => driver, 2: (driver) => driver } })).toEqual([4, 5])
})

test('a driver of version 1 loads under version 2, and is one of version 2', async () => {
  const { driver, apiVersion } = await createDriverLoader(nextContract)('./v1.mjs', { from: [directory] })
  expect([apiVersion, driver.apiVersion]).toEqual([1, 2])
  const open = driver.open as unknown as (request: unknown) => Promise<unknown>
  expect(await open({ disks: [], purpose: 'deploy' })).toEqual({ keys: ['disks'], own: 'somebodys', madeBy: 'somebodys' })
  expect(await driver.probe({} as never)).toEqual({ usable: true, findings: [] })
})

test('lifts follow one another; a driver of the newest version is taken as it is', async () => {
  const load = createDriverLoader(afterThat)
  expect((await load('./v1.mjs', { from: [directory] })).driver).toMatchObject({ apiVersion: 3, retired: true })
  expect((await load('./v2.mjs', { from: [directory] })).driver).toMatchObject({ apiVersion: 3, retired: true })
  expect((await load('./v3.mjs', { from: [directory] })).driver).not.toHaveProperty('retired')
})

test('what is out of the range is refused, with the range', async () => {
  const refusal = (supported: readonly number[]) => ({ code: 'DRIVER_API_UNSUPPORTED', context: { supported } })
  await expect(createDriverLoader(afterThat)('./v4.mjs', { from: [directory] })).rejects.toMatchObject(refusal([1, 2, 3]))
  await expect(createDriverLoader({ version: 3, lifts: {} })('./v1.mjs', { from: [directory] })).rejects.toMatchObject(refusal([3]))
  await expect(loadDriver('./v2.mjs', { from: [directory] })).rejects.toMatchObject(refusal([1]))
})
