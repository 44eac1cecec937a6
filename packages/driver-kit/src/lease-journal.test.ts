import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hostPath, type Lease } from '@host-deployer/driver-api'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createFileLeaseJournal, listLeases } from './lease-journal.ts'
import { identifyProcess } from './process-identity.ts'
import { reclaim } from './reclaim.ts'

let directory = hostPath('/')
let journal = hostPath('/')

beforeEach(async () => {
  directory = hostPath(await mkdtemp(join(tmpdir(), 'lease-')))
  journal = hostPath(join(directory, 'journal'))
})
afterEach(() => rm(directory, { recursive: true }))

/** Makes the one entry in the journal look as if its writer had ended. */
async function orphan(): Promise<void> {
  for (const name of await readdir(journal)) {
    const path = join(journal, name)
    const record = JSON.parse(await readFile(path, 'utf8'))
    await writeFile(path, JSON.stringify({ ...record, owner: { ...record.owner, startTicks: 1 } }))
  }
}

const record = (lease: Lease): Promise<() => Promise<void>> => createFileLeaseJournal(journal).record(lease)

test('an entry is there until it is struck out', async () => {
  const strike = await record({ kind: 'directory', details: { path: join(directory, 'work') } })
  expect(await readdir(journal)).toHaveLength(1)
  expect((await stat(journal)).mode & 0o777).toBe(0o700)
  await strike()
  await strike()
  expect(await readdir(journal)).toEqual([])
})

test('what a running process holds is left alone', async () => {
  const work = join(directory, 'work')
  await mkdir(work)
  await record({ kind: 'directory', details: { path: work } })
  expect(await reclaim(journal)).toEqual([])
  expect((await stat(work)).isDirectory()).toBe(true)
})

test('a directory of a process that is gone is removed', async () => {
  const work = join(directory, 'work')
  await mkdir(join(work, 'deep'), { recursive: true })
  await record({ kind: 'directory', details: { path: work } })
  await orphan()
  expect(await reclaim(journal)).toMatchObject([{ code: 'LEASE_FREED' }])
  await expect(stat(work)).rejects.toMatchObject({ code: 'ENOENT' })
  expect(await readdir(journal)).toEqual([])
})

test('a process is killed only when pid, start time and boot match', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  const ended = once(child, 'exit')
  const identity = await identifyProcess(child.pid ?? 0)
  if (identity === undefined) throw new Error('the child is gone')
  await record({ kind: 'process', details: { ...identity, startTicks: identity.startTicks + 1 } })
  await orphan()
  expect(await reclaim(journal)).toMatchObject([{ code: 'LEASE_FREED' }])
  expect(await identifyProcess(identity.pid)).toEqual(identity)
  await record({ kind: 'process', details: { ...identity } })
  await orphan()
  expect(await reclaim(journal)).toMatchObject([{ code: 'LEASE_FREED' }])
  expect(await ended).toEqual([null, 'SIGKILL'])
})

test('a kind nobody knows how to free stays and is reported', async () => {
  await record({ kind: 'nbd-device', details: { device: '/dev/nbd0' } })
  await orphan()
  expect(await reclaim(journal)).toMatchObject([{ code: 'LEASE_NOT_FREED' }])
  expect(await readdir(journal)).toHaveLength(1)
  expect(await reclaim(journal, { freeOther: async (lease) => lease.kind === 'nbd-device' })).toMatchObject([{ code: 'LEASE_FREED' }])
  expect(await readdir(journal)).toEqual([])
})

test('what its owner could not release is in quarantine, and tried again while the owner runs', async () => {
  const work = join(directory, 'work')
  await mkdir(work)
  const held = await createFileLeaseJournal(journal).record({ kind: 'directory', details: { path: work } })
  expect(await listLeases(journal)).toMatchObject([{ state: 'held' }])
  await held.quarantine?.('busy')
  expect(await listLeases(journal)).toMatchObject([{ state: 'quarantined', record: { quarantined: 'busy' } }])
  expect(await reclaim(journal)).toMatchObject([{ code: 'LEASE_FREED' }])
  await expect(stat(work)).rejects.toMatchObject({ code: 'ENOENT' })
  expect(await listLeases(journal)).toEqual([])
})

test('a marker finds the process that was started with exactly that argument', async () => {
  const marker = `lease-test-${process.pid}`
  const start = (argument: string) => spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', argument], { stdio: 'ignore' })
  const [ours, other] = [start(marker), start(`${marker}-not`)]
  const ended = once(ours, 'exit')
  await record({ kind: 'process', details: { marker } })
  await orphan()
  expect(await reclaim(journal)).toMatchObject([{ code: 'LEASE_FREED' }])
  expect(await ended).toEqual([null, 'SIGKILL'])
  expect(await identifyProcess(other.pid ?? 0)).toBeDefined()
  other.kill('SIGKILL')
})

test('of two that reclaim at once neither reports what the other has ended', async () => {
  const start = () => spawn('sleep', ['1000'], { stdio: 'ignore' })
  const children = Array.from({ length: 20 }, start)
  const ended = children.map((child) => once(child, 'exit'))
  for (const child of children) await record({ kind: 'process', details: { ...(await identifyProcess(child.pid ?? 0)) } })
  await orphan()
  const reclaiming = [reclaim(journal), reclaim(journal)]
  for (const child of children) child.kill('SIGKILL')
  const codes = (await Promise.all(reclaiming)).flat().map(({ code }) => code)
  expect(new Set(codes)).toEqual(new Set(['LEASE_FREED']))
  await Promise.all(ended)
  expect(await readdir(journal)).toEqual([])
})

test('a lease whose writer was killed before it was written is struck out, one that is being written is left alone', async () => {
  await record({ kind: 'directory', details: { path: join(directory, 'work') } })
  const [name = ''] = await readdir(journal)
  await writeFile(join(journal, name), '')
  expect(await reclaim(journal)).toEqual([])
  expect(await readdir(journal)).toEqual([name])
  await rename(join(journal, name), join(journal, name.replace(/-\d+-/, '-1-')))
  expect(await reclaim(journal)).toMatchObject([{ code: 'LEASE_FREED' }])
  expect(await readdir(journal)).toEqual([])
})

test('no journal is nothing to do, a torn entry is reported', async () => {
  expect(await reclaim(journal)).toEqual([])
  await mkdir(journal)
  await writeFile(join(journal, 'torn.json'), '{"own')
  expect(await reclaim(journal)).toMatchObject([{ code: 'LEASE_UNREADABLE' }])
})
