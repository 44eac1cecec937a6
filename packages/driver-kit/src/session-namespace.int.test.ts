import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hostPath, type ToolHost, type ToolPath, toolPath } from '@host-deployer/driver-api'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { becomesTrue } from './becomes-true.ts'
import { argumentsOf, processesWithArgument } from './find-argument.ts'
import { freeLease } from './free-lease.ts'
import { createFileLeaseJournal, listLeases } from './lease-journal.ts'
import { createLocalToolHost } from './local-tool-host.ts'
import { identifyProcess } from './process-identity.ts'
import { createResourceStack, type ResourceStack } from './resource-stack.ts'
import { openSessionNamespace, type SessionNamespace } from './session-namespace.ts'

// Needs root and util-linux.
const id = `test-${process.pid}`
/** A time to sleep that nobody else's program has among its arguments. */
const secondsOf = (number: number): string => `${number}.${process.pid}`
const becomes = (condition: () => Promise<boolean>): Promise<boolean> => becomesTrue(condition, 60_000)
const countOf = async (argument: string): Promise<number> => (await processesWithArgument(argument)).length
let directory = ''
let stack: ResourceStack
let namespace: SessionNamespace
let host: ToolHost

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'namespace-'))
  stack = createResourceStack()
  namespace = await openSessionNamespace({ id, leases: createFileLeaseJournal(hostPath(join(directory, 'leases'))) }, stack)
  host = createLocalToolHost({ namespace, env: { EXTRA: 'here' } })
})
afterEach(async () => {
  await stack.release()
  await rm(directory, { recursive: true })
})

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
const owner = { mode: 0o640, uid: 0, gid: 0 }

async function mountScratch(): Promise<ToolPath> {
  const target = toolPath(directory)
  expect((await host.exec(['mount', '-t', 'tmpfs', 'none', target])).exitCode).toBe(0)
  return target
}

test('what is mounted in there is seen by its programs and file calls, and by nobody else', async () => {
  const target = await mountScratch()
  const file = toolPath(`${target}/file`)
  await host.fs.createFile(file, Buffer.from('inside'), owner)
  expect(text((await host.exec(['cat', file])).stdout)).toBe('inside')
  expect((await host.fs.readdir(target)).map(({ name }) => name)).toEqual(['file'])
  expect(await readdir(directory)).toEqual(['leases'])
  await host.fs.rename(file, toolPath(`${target}/other`))
  await host.fs.syncfs(target)
  expect(await host.fs.getXattrs([toolPath(`${target}/other`)])).toEqual([new Map()])
  await expect(host.fs.lstat(file)).rejects.toMatchObject({ kind: 'not-found', path: file })
})

test('results of programs are what they are without it', async () => {
  expect((await host.exec(['sh', '-c', 'exit 127'])).exitCode).toBe(127)
  expect(await host.exec(['sh', '-c', 'kill -SEGV $$'])).toMatchObject({ exitCode: null, signal: 'SIGSEGV' })
  await expect(host.exec(['no-such-program'])).rejects.toMatchObject({ code: 'EXEC_NOT_FOUND' })
  expect(text((await host.exec(['env'], { env: { MORE: '1' } })).stdout).split('\n')).toEqual(
    expect.arrayContaining(['EXTRA=here', 'MORE=1', 'LC_ALL=C']),
  )
})

test('a timeout ends programs that left their group, too', async () => {
  const seconds = secondsOf(4320)
  await expect(host.exec(['sh', '-c', `setsid sleep ${seconds} & sleep ${seconds}`], { timeoutMs: 1_000 })).rejects.toMatchObject({
    code: 'EXEC_TIMEOUT',
  })
  // Killed all of them are; the kernel may take a moment with those that nobody waits for.
  expect(await becomes(async () => (await countOf(seconds)) === 0)).toBe(true)
})

test('nor does what forks while it is ended get away', async () => {
  const seconds = secondsOf(4319)
  const fork = 'i=$1; [ "$i" = 0 ] && exec sleep "$2"; setsid sh -c "$0" "$0" $((i - 1)) "$2" & wait'
  for (let timeoutMs = 20; timeoutMs < 120; timeoutMs += 10) {
    await expect(host.exec(['sh', '-c', fork, fork, '40', seconds], { timeoutMs })).rejects.toMatchObject({ code: 'EXEC_TIMEOUT' })
    expect(await becomes(async () => (await countOf(seconds)) === 0)).toBe(true)
  }
})

test('what runs in there ends with it, and nothing is left in the journal', async () => {
  const seconds = secondsOf(4321)
  await host.exec(['sh', '-c', `setsid sleep ${seconds} </dev/null >/dev/null 2>&1 &`])
  // The shell is not there for it any more when it starts.
  expect(await becomes(async () => (await countOf(seconds)) === 1)).toBe(true)
  const [sleeper] = await processesWithArgument(seconds)
  expect(sleeper).toBeDefined()
  expect(new Set((await listLeases(hostPath(join(directory, 'leases')))).map(({ state }) => state))).toEqual(new Set(['held']))
  await stack.release()
  expect(await identifyProcess(sleeper?.pid ?? 0)).toBeUndefined()
  expect(await processesWithArgument(`host-deployer-session-${id}`)).toEqual([])
  expect(await listLeases(hostPath(join(directory, 'leases')))).toEqual([])
})

test('once it is gone, nothing is an answer: EXEC_CONNECTION_LOST', async () => {
  const target = await mountScratch()
  const pending = host.exec(['sleep', '1000'])
  const [first] = await processesWithArgument(`host-deployer-session-${id}`)
  setTimeout(() => process.kill(first?.pid ?? 0, 'SIGKILL'), 200)
  await expect(pending).rejects.toMatchObject({ code: 'EXEC_CONNECTION_LOST' })
  await expect(host.exec(['true'])).rejects.toMatchObject({ code: 'EXEC_CONNECTION_LOST' })
  await expect(host.fs.lstat(toolPath(`${target}/x`))).rejects.toMatchObject({ code: 'EXEC_CONNECTION_LOST' })
  await expect(host.fs.readdir(target)).rejects.toMatchObject({ code: 'EXEC_CONNECTION_LOST' })
})

/** Frees the session's leases as reclaim does; `done` tells how far that is. */
async function startFreeing(): Promise<{ readonly freeing: Promise<unknown>; readonly done: () => boolean }> {
  const leases = (await listLeases(hostPath(join(directory, 'leases')))).flatMap(({ record }) =>
    record === undefined ? [] : [record.lease],
  )
  let done = false
  const freeing = Promise.all(leases.map(freeLease)).finally(() => {
    done = true
  })
  return { freeing, done: () => done }
}

/** The nsenters that wait for `sleep SECONDS`, once both it and one of them run. */
async function entrancesOf(seconds: string): Promise<number[]> {
  expect(await becomes(async () => (await countOf(seconds)) === 2)).toBe(true)
  const pids = (await processesWithArgument(seconds)).map(({ pid }) => pid)
  return (await Promise.all(pids.map(async (pid) => ((await argumentsOf(pid))[0] === 'nsenter' ? [pid] : [])))).flat()
}

test('to free it is to wait for all of its programs, one outside that has its mounts included', async () => {
  const [, mounts] = namespace.enter
  expect(mounts).toMatch(/^--mount=/)
  // As an nsenter that gets no processor for a while: one that was only stopped would be woken.
  const entrant = spawn('sh', ['-c', 'read line', 'nsenter', `${mounts}`], { stdio: ['pipe', 'ignore', 'inherit'] })
  expect(await becomes(async () => (await countOf(`${mounts}`)) === 1)).toBe(true)
  const { freeing, done } = await startFreeing()
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(done()).toBe(false)
  entrant.stdin.end('\n')
  await freeing
})

test('an nsenter that was left stopped is woken, and takes note of the end', async () => {
  const seconds = secondsOf(4322)
  host.exec(['sleep', seconds]).catch(() => {})
  const [entrance = 0] = await entrancesOf(seconds)
  process.kill(entrance, 'SIGSTOP')
  await (await startFreeing()).freeing
  expect(await processesWithArgument(seconds)).toEqual([])
})
