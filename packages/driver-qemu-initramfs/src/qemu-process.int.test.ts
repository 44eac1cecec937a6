import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { becomesTrue, identifyProcess, isRunning } from '@host-deployer/driver-kit'
import { afterAll, beforeAll, expect, test } from 'vitest'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'qemu-process-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

/** setpriv(1), when the file `goOn` is there. */
async function slowSetpriv(goOn: string): Promise<string> {
  const path = join(directory, 'setpriv')
  await writeFile(path, `#!/bin/sh\nwhile [ ! -e ${goOn} ]; do sleep 0.02; done\nexec setpriv "$@"\n`)
  await chmod(path, 0o755)
  return path
}

async function startOwner(setpriv: string) {
  const program = join(import.meta.dirname, 'qemu-owner.test-support.ts')
  const owner = spawn(process.execPath, ['--conditions=@host-deployer/source', program, setpriv], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [word] = await Promise.race([once(owner.stdout, 'data'), once(owner, 'exit')])
  if (!Buffer.isBuffer(word)) throw new Error(`the owner ended: ${word}`)
  const identity = await identifyProcess(Number(word.toString()))
  if (identity === undefined) throw new Error('what it has started does not run')
  return {
    identity,
    async kill() {
      owner.kill('SIGKILL')
      await once(owner, 'exit')
    },
  }
}

const nameOf = async (pid: number): Promise<string> => (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim()

test('QEMU ends with whoever has started it', async () => {
  const owner = await startOwner('setpriv')
  expect(await becomesTrue(async () => (await nameOf(owner.identity.pid)) === 'sleep', 10_000)).toBe(true)
  await owner.kill()
  expect(await becomesTrue(async () => !(await isRunning(owner.identity)), 10_000)).toBe(true)
})

test('QEMU is not started when whoever wanted it was killed before the kernel was asked to end it as well', async () => {
  const goOn = join(directory, 'go-on')
  const owner = await startOwner(await slowSetpriv(goOn))
  await owner.kill()
  expect(await isRunning(owner.identity)).toBe(true)
  await writeFile(goOn, '')
  expect(await becomesTrue(async () => !(await isRunning(owner.identity)), 10_000)).toBe(true)
})
