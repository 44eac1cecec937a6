import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hostPath } from '@host-deployer/driver-api'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lockDaemon } from './lock-daemon.ts'

let base: string
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'lock-'))
})
afterEach(() => rm(base, { recursive: true }))

test('one holds it until it lets go', async () => {
  const state = hostPath(join(base, 'a', 'state'))
  const release = await lockDaemon(state)
  await expect(lockDaemon(state)).rejects.toMatchObject({ code: 'DAEMON_ALREADY_RUNNING', context: { pid: process.pid } })
  await release()
  expect(await readdir(state)).toEqual([])
  await (await lockDaemon(state))()
})

test('the lock of a daemon that has died, or was killed while writing it, counts no more', async () => {
  const state = hostPath(base)
  const path = join(base, 'daemon.lock')
  const { pid } = spawnSync('true')
  const mine = JSON.parse(await lockedText(state))
  for (const left of [JSON.stringify({ ...mine, pid }), JSON.stringify({ ...mine, startTicks: 1 }), '', '{']) {
    await writeFile(path, left)
    const release = await lockDaemon(state)
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual(mine)
    await release()
  }
})

// Starts some hundred programs.
test('of many who start at once beside the lock of a dead one, one gets it', { timeout: 300_000 }, async () => {
  const state = hostPath(base)
  const mine = JSON.parse(await lockedText(state))
  for (let round = 0; round < 15; round += 1) {
    await writeFile(join(base, 'daemon.lock'), JSON.stringify({ ...mine, startTicks: 1 }))
    const starts = await Promise.allSettled(Array.from({ length: 12 }, () => lockDaemon(state)))
    const winners = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []))
    expect(winners).toHaveLength(1)
    for (const start of starts) if (start.status === 'rejected') expect(start.reason).toMatchObject({ code: 'DAEMON_ALREADY_RUNNING' })
    for (const release of winners) await release()
    expect(await readdir(base)).toEqual([])
  }
})

test('a daemon that its name does not lead to, as in another container, has the lock all the same', async () => {
  const state = hostPath(base)
  const release = await lockDaemon(state)
  const path = join(base, 'daemon.lock')
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), startTicks: 1 }))
  await expect(lockDaemon(state)).rejects.toMatchObject({ code: 'DAEMON_ALREADY_RUNNING' })
  await release()
})

test('who was killed has let go', async () => {
  const module = join(import.meta.dirname, 'lock-daemon.ts')
  const script = `const { lockDaemon } = await import(${JSON.stringify(module)}); await lockDaemon(${JSON.stringify(base)}); process.kill(process.pid, 'SIGKILL')`
  const { signal, stderr } = spawnSync(process.execPath, ['--conditions=@host-deployer/source', '--input-type=module', '--eval', script], {
    encoding: 'utf8',
  })
  expect([signal, stderr]).toEqual(['SIGKILL', ''])
  expect(await readdir(base)).toEqual(['daemon.lock'])
  await (await lockDaemon(hostPath(base)))()
})

test('others get through the directory, and see nothing of what is in it', async () => {
  const umask = process.umask(0o077)
  try {
    const state = hostPath(join(base, 'state'))
    const release = await lockDaemon(state)
    expect((await stat(state)).mode & 0o777).toBe(0o711)
    expect((await stat(join(state, 'daemon.lock'))).mode & 0o777).toBe(0o600)
    await release()
  } finally {
    process.umask(umask)
  }
})

async function lockedText(state: ReturnType<typeof hostPath>): Promise<string> {
  const release = await lockDaemon(state)
  const text = await readFile(join(state, 'daemon.lock'), 'utf8')
  await release()
  return text
}

test('a place that is no directory is refused', async () => {
  await writeFile(join(base, 'file'), '')
  await expect(lockDaemon(hostPath(join(base, 'file')))).rejects.toMatchObject({ code: 'CONFIG_STATE_DIRECTORY' })
})
