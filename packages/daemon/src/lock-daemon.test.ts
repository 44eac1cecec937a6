import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
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
