// What can go wrong with a template: whatever it is, the session comes, says why it is no clone, and leaves nothing. Needs an appliance that can reseed.
import { once } from 'node:events'
import { chmod, mkdir, open, readdir, readFile, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createLocalToolHost, currentBootId } from '@host-deployer/driver-kit'
import { createRawImage } from '@host-deployer/driver-testkit'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { applianceWith } from './changed-appliance.test-support.ts'
import { type CloneFixture, createCloneFixture, IMAGE_BYTES, isClone, theTemplate, withCache } from './clones.test-support.ts'
import { driver } from './driver.ts'
import { BOOT, CLONE, expectNothingLeft, startAndClose } from './template-start.test-support.ts'

const isRoot = process.getuid?.() === 0
const MIB = 2 ** 20
const host = createLocalToolHost()
let fixture: CloneFixture
beforeAll(async () => {
  fixture = await createCloneFixture()
})
afterEach(() => fixture.closeAll())
afterAll(() => fixture.remove())

const start = (changes?: Parameters<CloneFixture['open']>[0]) => startAndClose(fixture, changes)
const inodeOf = async (): Promise<number> => (await stat(join(await theTemplate(fixture.templates), 'state'))).ino
const finding = async (changes: Parameters<CloneFixture['open']>[0] = {}) =>
  (await driver.probe(fixture.context(changes))).findings.find(({ subject }) => subject === 'template')

/** Writes into the record of the template that its state is as it should be. */
async function forgeRecord(changes: Record<string, unknown> = {}): Promise<void> {
  const template = await theTemplate(fixture.templates)
  const { size, ino, mtimeNs, ctimeNs } = await stat(join(template, 'state'), { bigint: true })
  const state = { sizeBytes: Number(size), inode: String(ino), mtimeNs: String(mtimeNs), ctimeNs: String(ctimeNs) }
  const path = join(template, 'template.json')
  const { mtime } = await stat(path)
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), state, ...changes }))
  await utimes(path, mtime, mtime)
}

async function overwrite(path: string, offset: number, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, 'r+')
  await handle.write(bytes, 0, bytes.length, offset)
  await handle.close()
}

test('the first session makes it; probe says how sessions start, before and after', async () => {
  expect(await finding()).toMatchObject({ ok: true, data: { start: 'clone', template: 'absent' } })
  expect(await start()).toEqual(CLONE)
  const data = (await finding())?.data
  expect(data).toMatchObject({ start: 'clone', template: 'present', warm: true })
  expect(data?.['sizeBytes']).toBe((await stat(join(await theTemplate(fixture.templates), 'state'))).size)
  for (const name of ['bootMs', 'cloneMs']) expect(data?.[name]).toBeGreaterThan(0)
  expect(await finding({ options: { ...fixture.context().options, template: 'off' } })).toMatchObject({
    ok: true,
    data: { start: 'boot', template: 'off' },
  })
})

test('an appliance that lacks some of what sessions need: clones all the same, and told what by prepare and probe', async () => {
  const lacking = { 'usr/bin/tar': '#!/bin/sh\nexit 1\n', 'usr/lib/modules/KERNEL/kernel/fs/xfs/xfs.ko': 'no module' }
  const options = { ...fixture.context().options, appliance: await applianceWith(join(fixture.directory, 'appliance'), lacking) }
  const warned: unknown[] = []
  const logger = { debug() {}, info() {}, warn: (event: string, fields?: unknown) => void warned.push({ event, fields }) }
  const changes = { ...withCache(join(fixture.directory, 'cold-cache')), options, logger }
  expect(await driver.prepare?.(fixture.context(changes))).toMatchObject({ outcome: 'made' })
  expect(warned).toEqual([{ event: 'template.not-warm', fields: { failed: ['modules', 'tar'] } }])
  expect(await start(changes)).toEqual(CLONE)
  expect(await finding(changes)).toMatchObject({ ok: true, remedy: expect.any(String), data: { template: 'present', warm: false } })
})

async function changeOneByte(state: string): Promise<void> {
  const { atime, mtime } = await stat(state)
  await overwrite(state, 10 * MIB, Buffer.from([1]))
  await utimes(state, atime, mtime)
}

test.each<readonly [name: string, spoil: (state: string) => Promise<unknown>]>([
  ['truncated', async (state) => truncate(state, Math.floor((await stat(state)).size / 2))],
  ['garbage of the same size', async (state) => overwrite(state, 0, Buffer.alloc((await stat(state)).size, 'garbage'))],
  ['one byte changed, and the time set back', changeOneByte],
  ['gone', (state) => rm(state)],
  ['a record that cannot be read', (state) => writeFile(join(state, '..', 'template.json'), '{')],
  ['readable by others', (state) => chmod(join(state, '..'), 0o755)],
  ['of another boot of the host', () => forgeRecord({ bootId: '00000000-0000-4000-8000-000000000000' })],
])('a template that cannot be trusted counts as none: %s', async (_, spoil) => {
  const template = await theTemplate(fixture.templates)
  const copy = join(fixture.directory, 'copy')
  expect((await host.exec(['cp', '-a', template, copy])).exitCode).toBe(0)
  await spoil(join(template, 'state'))
  expect((await finding())?.data).toMatchObject({ template: 'absent' })
  await rm(template, { recursive: true })
  await rename(copy, template)
  await forgeRecord()
  expect((await finding())?.data).toMatchObject({ template: 'present' })
})

// A session looks at it as the probe does.
test('a template that cannot be trusted is made again', async () => {
  const before = await inodeOf()
  const state = join(await theTemplate(fixture.templates), 'state')
  const held = await open(state)
  await changeOneByte(state)
  expect(await start()).toEqual(CLONE)
  // It is held, so that its number cannot come again.
  await held.close()
  expect(await inodeOf()).not.toBe(before)
})

test('a caller who waits too short a time gets no clone and no boot, and the template stays for others', async () => {
  const inode = await inodeOf()
  const changes = { options: { ...fixture.context().options, bootTimeoutMs: 100 } }
  expect(await fixture.open(changes).catch((error: unknown) => error)).toMatchObject({ code: 'TIMEOUT_BOOT' })
  await expectNothingLeft(fixture)
  expect(await start()).toEqual(CLONE)
  expect(await inodeOf()).toBe(inode)
})

test('a state of another QEMU version behind a record that fits: a boot; the next session makes a new one', async () => {
  const state = join(await theTemplate(fixture.templates), 'state')
  // QEMU's stream (migration/savevm.c) starts with its machine type, which names the version.
  const head = (await readFile(state)).subarray(0, 4096)
  const offset = head.indexOf('pc-q35-')
  expect(offset).toBeGreaterThan(0)
  await overwrite(state, offset + 'pc-q35-'.length, Buffer.from('2.'))
  await forgeRecord()
  expect(await start()).toEqual(BOOT)
  expect(await start()).toEqual(CLONE)
})

test('a fresh template that does not come to life: not tried again for a while, told by probe; prepare tries at once', async () => {
  const template = await theTemplate(fixture.templates)
  await overwrite(join(template, 'state'), 64, Buffer.alloc(4096, 1))
  await forgeRecord()
  // No clone of it has ever worked.
  await rm(`${template}.clone`)
  expect(await start()).toEqual(BOOT)
  expect(await start()).toEqual(BOOT)
  expect(await finding()).toMatchObject({ ok: false, data: { start: 'boot', template: 'failed' } })
  expect(await driver.prepare?.(fixture.context())).toMatchObject({ outcome: 'made' })
  expect(await start()).toEqual(CLONE)
})

test('prepare makes it for sessions to find, and finds it again; what killed builders left, templates of other boots and too many go', async () => {
  const template = await theTemplate(fixture.templates)
  const bootId = await currentBootId()
  const stat1 = (await readFile('/proc/1/stat', 'utf8')).split(') ')[1]?.split(' ') ?? []
  const alive = `building-1-${stat1[19]}-${bootId}-aaaaaa`
  const named = (letter: string): string => letter.repeat(32)
  const plant = async (name: string, boot: string, ageMinutes: number): Promise<void> => {
    const path = join(fixture.templates, name)
    await mkdir(path, { mode: 0o700 })
    await writeFile(join(path, 'template.json'), JSON.stringify({ bootId: boot }))
    const used = new Date(Date.now() - ageMinutes * 60_000)
    await utimes(path, used, used)
  }
  await plant(alive, bootId, 0)
  await plant(`building-1-${Number(stat1[19]) + 1}-${bootId}-bbbbbb`, bootId, 0)
  await plant('building-cccccc', bootId, 0)
  for (const [index, letter] of ['1', '2', '3', '4', '5'].entries()) await plant(named(letter), bootId, index)
  await plant(named('a'), 'another', 0)
  await writeFile(join(fixture.templates, `${named('a')}.boot`), JSON.stringify({ bootId: 'another', durationMs: 1 }))
  await rm(template, { recursive: true })
  const made = await driver.prepare?.(fixture.context())
  expect(made).toMatchObject({ outcome: 'made', artefact: { path: template } })
  const directories = (await readdir(fixture.templates, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
  expect(directories.sort()).toEqual([named('1'), named('2'), named('3'), alive, template.slice(fixture.templates.length + 1)].sort())
  expect(await readdir(fixture.templates)).not.toContain(`${named('a')}.boot`)
  for (const name of [alive, ...['1', '2', '3'].map(named)]) await rm(join(fixture.templates, name), { recursive: true })
  const inode = await inodeOf()
  expect(await driver.prepare?.(fixture.context())).toEqual({ ...made, outcome: 'found' })
  expect(await start()).toEqual(CLONE)
  expect(await inodeOf()).toBe(inode)
  expect(await driver.prepare?.(fixture.context({ options: { ...fixture.context().options, template: 'off' } }))).toMatchObject({
    outcome: 'nothing',
  })
  await rm(fixture.templates, { recursive: true })
})

test('the one who builds is killed: the one who waits takes over, and nothing of it is left', async () => {
  const other = await createRawImage(fixture.directory, 'other', IMAGE_BYTES)
  const builder = fixture.openElsewhere(other)
  const building = async (): Promise<string[]> =>
    (await readdir(fixture.templates).catch(() => [])).filter((name) => name.startsWith('building-'))
  await expect.poll(building, { timeout: 60_000, interval: 20 }).toHaveLength(1)
  const [abandoned] = await building()
  const waiting = fixture.open()
  builder.kill('SIGKILL')
  await once(builder, 'exit')
  const session = await waiting
  expect(isClone(session)).toBe(true)
  await session.close()
  expect(await building()).toEqual([])
  expect(abandoned).toContain(`-${builder.pid}-`)
  await theTemplate(fixture.templates)
  // Its own session directory is in the journal, for `reclaim`.
  await rm(fixture.workDirectory, { recursive: true })
  await rm(fixture.leaseDirectory, { recursive: true })
  for (const path of [fixture.workDirectory, fixture.leaseDirectory]) await mkdir(path, { mode: 0o700 })
})

test('somebody else could write into the directory of templates: a boot', async () => {
  const cache = join(fixture.directory, 'shared-cache')
  await mkdir(join(cache, 'templates'), { recursive: true })
  await chmod(join(cache, 'templates'), 0o777)
  expect(await start(withCache(cache))).toEqual(BOOT)
  expect(await finding(withCache(cache))).toMatchObject({ ok: false, data: { start: 'boot', template: 'impossible' } })
  expect(await driver.prepare?.(fixture.context(withCache(cache))).catch((error: unknown) => error)).toMatchObject({
    code: 'DRIVER_TEMPLATE_FAILED',
  })
  expect(await readdir(join(cache, 'templates'))).toEqual([])
})

async function onTmpfs(options: string, work: (cache: string) => Promise<void>): Promise<void> {
  const cache = join(fixture.directory, 'tmpfs')
  await mkdir(cache, { recursive: true })
  expect((await host.exec(['mount', '-t', 'tmpfs', '-o', options, 'cache', cache])).exitCode).toBe(0)
  try {
    await work(cache)
  } finally {
    await host.exec(['umount', '-l', cache])
  }
}

test.runIf(isRoot)('a cache directory that cannot be written to: a boot', () =>
  onTmpfs('ro', async (cache) => {
    expect(await start(withCache(cache))).toEqual(BOOT)
    expect(await finding(withCache(cache))).toMatchObject({ ok: false, data: { start: 'boot', template: 'impossible' } })
  }),
)

test.runIf(isRoot)('too little room for a template: a boot, nothing is started for it', () =>
  onTmpfs('size=64m', async (cache) => {
    expect(await start(withCache(cache))).toEqual(BOOT)
    const names = await readdir(join(cache, 'templates'))
    expect(names.filter((name) => !name.endsWith('.boot'))).toEqual([])
    expect(await finding(withCache(cache))).toMatchObject({ ok: false, data: { start: 'boot', template: 'impossible' } })
    expect(await driver.prepare?.(fixture.context(withCache(cache))).catch((error: unknown) => error)).toMatchObject({
      code: 'DRIVER_TEMPLATE_FAILED',
    })
  }),
)

test.runIf(isRoot)('the cache directory fills up while the template is written: a boot, and nothing of it stays', () =>
  onTmpfs('size=256m', async (cache) => {
    const starting = start(withCache(cache))
    const building = async (): Promise<boolean> =>
      (await readdir(join(cache, 'templates')).catch(() => [])).some((name) => name.startsWith('building-'))
    await expect.poll(building, { timeout: 60_000, interval: 20 }).toBe(true)
    const filler = await open(join(cache, 'filler'), 'w')
    await filler.write(Buffer.alloc(200 * MIB, 1))
    await filler.close()
    expect(await starting).toEqual(BOOT)
    expect((await readdir(join(cache, 'templates'))).filter((name) => !/\.(boot|failed)$/.test(name))).toEqual([])
  }),
)
