import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { identifyProcess } from '@host-deployer/driver-kit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lockTemplate, unlocked } from './template-lock.ts'

let base = ''
let lock = ''
let holder: ReturnType<typeof spawn>
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'lock-'))
  lock = join(base, 'template.lock')
  // Alive, and never done.
  holder = spawn('sleep', ['1000'], { stdio: 'ignore' })
  await once(holder, 'spawn')
  holder.kill('SIGSTOP')
  await writeFile(lock, JSON.stringify(await identifyProcess(holder.pid ?? 0)))
})
afterEach(async () => {
  holder.kill('SIGKILL')
  await rm(base, { recursive: true })
})

test('a holder that is alive but does not get on is not waited for endlessly, and keeps its lock', async () => {
  const before = await readFile(lock, 'utf8')
  await expect(lockTemplate(lock, undefined, 300)).rejects.toMatchObject({
    code: 'DRIVER_TEMPLATE_FAILED',
    hint: expect.any(String),
    context: { pid: holder.pid },
  })
  await unlocked(lock, undefined, 300)
  expect(await readFile(lock, 'utf8')).toBe(before)
})

test('whoever comes when it has the lock for so long already does not wait anew', async () => {
  const longAgo = new Date(Date.now() - 3_600_000)
  await utimes(lock, longAgo, longAgo)
  const started = performance.now()
  await expect(lockTemplate(lock, undefined, 600_000)).rejects.toMatchObject({ code: 'DRIVER_TEMPLATE_FAILED' })
  await unlocked(lock, undefined, 600_000)
  expect(performance.now() - started).toBeLessThan(60_000)
})

test('one that dies meanwhile is replaced; a signal ends the waiting of who has all patience', async () => {
  const controller = new AbortController()
  const waiting = lockTemplate(lock, controller.signal)
  controller.abort()
  await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' })
  const taking = lockTemplate(lock, undefined, 600_000)
  holder.kill('SIGKILL')
  await (await taking)()
  expect(await readdir(base)).toEqual([])
})
