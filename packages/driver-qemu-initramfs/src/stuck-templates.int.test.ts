// Templates that are never finished, never come to life, or come to life and do not work: the session comes all the same. Needs an appliance that can reseed.
import { spawn } from 'node:child_process'
import { chmod, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { identifyProcess } from '@host-deployer/driver-kit'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { applianceWith } from './changed-appliance.test-support.ts'
import { type CloneFixture, createCloneFixture, theTemplate, withCache } from './clones.test-support.ts'
import { lockPathOf } from './template-lock.ts'
import { BOOT, CLONE, expectNothingLeft, startAndClose } from './template-start.test-support.ts'

let fixture: CloneFixture
beforeAll(async () => {
  fixture = await createCloneFixture()
})
afterEach(() => fixture.closeAll())
afterAll(() => fixture.remove())

const start = (changes?: Parameters<CloneFixture['open']>[0]) => startAndClose(fixture, changes)

/** A QEMU with a cache of its own; `script` changes its arguments. */
async function withQemu(name: string, script: string): Promise<Parameters<CloneFixture['open']>[0] & object> {
  const qemu = join(fixture.directory, name)
  await writeFile(qemu, `#!/bin/sh\n${script}\nexec qemu-system-x86_64 "$@"\n`)
  await chmod(qemu, 0o755)
  return { ...withCache(join(fixture.directory, `${name}-cache`)), options: { ...fixture.context().options, qemu } }
}

test('who makes the template is stopped for good: a boot, and a clone as soon as there is a template', async () => {
  expect(await start()).toEqual(CLONE)
  const directory = await theTemplate(fixture.templates)
  const lock = lockPathOf({ directory })
  await rename(directory, `${directory}.aside`)
  const holder = spawn('sleep', ['1000'], { stdio: 'ignore' })
  try {
    holder.kill('SIGSTOP')
    await writeFile(lock, JSON.stringify(await identifyProcess(holder.pid ?? 0)))
    const longAgo = new Date(Date.now() - 3_600_000)
    await utimes(lock, longAgo, longAgo)
    expect(await start()).toEqual(BOOT)
    await rename(`${directory}.aside`, directory)
    expect(await start()).toEqual(CLONE)
  } finally {
    holder.kill('SIGKILL')
    await rm(lock, { force: true })
  }
})

test('a template whose saving does not get on: who gives up is let go, and nothing of it stays', async () => {
  // QEMU sends everything and then waits for an answer that nobody gives.
  const changes = await withQemu('qemu-that-waits', 'set -- -global migration.x-return-path=on "$@"')
  const templates = join(changes.cacheDirectory ?? '', 'templates')
  const savedBytes = async (): Promise<number> => {
    const [building] = (await readdir(templates).catch(() => [])).filter((name) => name.startsWith('building-'))
    return building === undefined ? 0 : (await stat(join(templates, building, 'state')).catch(() => ({ size: 0 }))).size
  }
  const controller = new AbortController()
  const opening = fixture.open({ ...changes, signal: controller.signal }).catch((error: unknown) => error)
  await expect.poll(savedBytes, { timeout: 60_000, interval: 50 }).toBeGreaterThan(10 * 2 ** 20)
  controller.abort()
  expect(await opening).toMatchObject({ code: 'ABORTED' })
  await expectNothingLeft(fixture)
  expect((await readdir(templates)).filter((name) => !/\.boot$/.test(name))).toEqual([])
})

test('clones that hang, and a caller who waits for less than they get: a boot, and the next session does not meet it again', async () => {
  const changes = await withQemu('qemu-that-hangs', 'case "$*" in *-incoming*) exec sleep 1000 ;; esac')
  // Longer than a boot takes.
  const patient = { ...changes, options: { ...fixture.context().options, ...changes.options, bootTimeoutMs: 15_000 } }
  expect(await start(patient)).toEqual(BOOT)
  const before = performance.now()
  expect(await start(patient)).toEqual(BOOT)
  expect(performance.now() - before).toBeLessThan(15_000)
})

/** An appliance in which a program is another, with a cache of its own. */
async function withProgram(name: string, script: string): Promise<Parameters<CloneFixture['open']>[0] & object> {
  const appliance = await applianceWith(join(fixture.directory, name), { [`usr/bin/${name}`]: `#!/bin/sh\n${script}\n` })
  return { ...withCache(join(fixture.directory, `${name}-cache`)), options: { ...fixture.context().options, appliance } }
}

test('clones that let us in and do not get their disks: a boot, and the next session does not meet it again', async () => {
  // Only of clones is the clock set, before their disks are looked at.
  const changes = await withProgram('date', 'exit 1')
  expect(await start(changes)).toEqual(BOOT)
  const before = performance.now()
  expect(await start(changes)).toEqual(BOOT)
  expect(performance.now() - before).toBeLessThan(10_000)
  expect((await readdir(join(changes.cacheDirectory ?? '', 'templates'))).filter((name) => /^[0-9a-f]{32}$/.test(name))).toEqual([])
})

test('disks that a boot does not get either are not held against the template', async () => {
  const changes = await withProgram('cat', 'case "$*" in *vpd_pg80*) exit 1 ;; esac\nexec sed "" "$@"')
  expect(await fixture.open(changes).catch((error: unknown) => error)).toMatchObject({ code: 'DRIVER_DISK_NOT_FOUND' })
  await expectNothingLeft(fixture)
  await theTemplate(join(changes.cacheDirectory ?? '', 'templates'))
})
