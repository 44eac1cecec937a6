// Sessions that are clones of a template. Needs an appliance that can reseed (`host-deployer appliance build`).
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, open, readdir, readFile, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DriverSession, ImageFile } from '@host-deployer/driver-api'
import { createRawImage, isFree, listTree, processesHolding } from '@host-deployer/driver-testkit'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { applianceUnderTest } from './appliance.test-support.ts'
import { driver } from './driver.ts'
import { contextOf } from './session.test-support.ts'

let directory = ''
let templates = ''
let image: ImageFile
let input = { workDirectory: '', leaseDirectory: '', options: { appliance: applianceUnderTest, accel: 'tcg', template: 'auto' } }

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'driver-clones-'))
  await chmod(directory, 0o755)
  input = { ...input, workDirectory: join(directory, 'work'), leaseDirectory: join(directory, 'leases') }
  templates = join(directory, 'work-cache', 'templates')
  await mkdir(input.workDirectory, { mode: 0o700 })
  image = await createRawImage(directory, 'image', 16 * 1024 * 1024)
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const opened: DriverSession[] = []
afterEach(async () => {
  for (const session of opened.splice(0)) await session.close().catch(() => {})
})
async function openSession(): Promise<DriverSession> {
  const session = await driver.open({ disks: [{ id: 'disk', access: 'read-write', chain: [image] }] }, contextOf(input))
  opened.push(session)
  return session
}

async function run({ toolHost }: DriverSession, script: string): Promise<string> {
  const { stdout, stderr, exitCode } = await toolHost.exec(['sh', '-c', script])
  expect({ exitCode, stderr: Buffer.from(stderr).toString() }).toEqual({ exitCode: 0, stderr: '' })
  return Buffer.from(stdout).toString().trim()
}

const isClone = ({ info }: DriverSession): boolean => 'restore' in info.timings

async function theTemplate(): Promise<string> {
  const names = (await readdir(templates)).filter((name) => !name.includes('.'))
  expect(names).toHaveLength(1)
  return join(templates, names[0] ?? '')
}

test('two processes ask at once: one template is built, both get a clone; nothing of the build is left', async () => {
  const other = await createRawImage(directory, 'other', 16 * 1024 * 1024)
  const script = join(import.meta.dirname, 'session.test-support.ts')
  const child = spawn(
    process.execPath,
    [
      '--conditions=@host-deployer/source',
      '--disable-warning=ExperimentalWarning',
      script,
      JSON.stringify({ ...input, image: other.path, format: 'raw', access: 'read-write' }),
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const said = once(child.stdout, 'data')
  const session = await openSession()
  expect(isClone(session)).toBe(true)
  expect(String((await said)[0])).toBe('open\n')
  child.stdin.end()
  await once(child, 'exit')
  await session.close()
  const template = await theTemplate()
  expect((await readdir(templates)).length).toBe(1)
  expect((await readdir(template)).sort()).toEqual(['state', 'template.json'])
  expect((await stat(template)).mode & 0o777).toBe(0o700)
  for (const name of ['state', 'template.json']) expect((await stat(join(template, name))).mode & 0o777).toBe(0o600)
})

test('nothing passes from one clone to the next, not even when it was killed', async () => {
  const first = await openSession()
  await run(first, 'echo planted >/root/planted; mkdir /mnt/planted; mount -t tmpfs planted /mnt/planted; sleep 1000 >/dev/null 2>&1 &')
  const pending = first.toolHost.exec(['sleep', '100']).catch((error: unknown) => error)
  // A program that has started: its end is what is lost.
  await run(first, 'sleep 0.5')
  const { pid } = process
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ').map(Number)
  for (const child of children) {
    if ((await readFile(`/proc/${child}/comm`, 'utf8').catch(() => '')).startsWith('qemu')) process.kill(child, 'SIGKILL')
  }
  expect(await pending).toMatchObject({ code: 'DRIVER_QEMU_EXITED' })
  await first.close().catch(() => {})
  const next = await openSession()
  expect(isClone(next)).toBe(true)
  expect(await run(next, 'ls /root /mnt; grep -c planted /proc/mounts; grep -lsx sleep /proc/[0-9]*/comm; true')).toBe('/mnt:\n\n/root:\n0')
  await next.close()
})

test('ten clones: random numbers and UUIDs differ, the clock is right, the template stays as it is, nothing is left', async () => {
  const template = await theTemplate()
  const before = await stat(join(template, 'state'), { bigint: true })
  const seen = new Set<string>()
  for (let count = 0; count < 10; count += 1) {
    const session = await openSession()
    expect(session.diagnostics).toEqual([])
    const output = await run(session, 'head -c 16 /dev/urandom | base64; cat /proc/sys/kernel/random/uuid; date +%s')
    const [bytes = '', uuid = '', seconds] = output.split('\n')
    for (const value of [bytes, uuid]) seen.add(value)
    expect(Math.abs(Number(seconds) - Date.now() / 1000)).toBeLessThan(15)
    await session.close()
  }
  expect(seen.size).toBe(20)
  const after = await stat(join(template, 'state'), { bigint: true })
  expect([after.mtimeNs, after.ctimeNs, after.ino]).toEqual([before.mtimeNs, before.ctimeNs, before.ino])
  expect(await isFree(image)).toBe(true)
  expect(await processesHolding(directory)).toEqual([])
  expect(await listTree(input.workDirectory)).toEqual([])
  expect(await listTree(input.leaseDirectory)).toEqual([])
})

test.runIf(process.getuid?.() === 0)("a clone's user cannot change the template through what QEMU has inherited", async () => {
  const session = await openSession()
  const children = (await readFile(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')).trim().split(' ')
  const qemus: string[] = []
  for (const child of children) if ((await readFile(`/proc/${child}/comm`, 'utf8').catch(() => '')).startsWith('qemu')) qemus.push(child)
  expect(qemus).toHaveLength(1)
  const { uid } = await stat(`/proc/${qemus[0]}`)
  expect(uid).not.toBe(0)
  const state = await open(join(await theTemplate(), 'state'), 'r')
  // What a QEMU that is taken over could do: reopen its descriptor for writing, write to it, truncate it.
  const attack = 'echo x >/proc/self/fd/3; echo x >&3; truncate -s 0 /proc/self/fd/3; chmod 666 /proc/self/fd/3; true'
  const attacker = spawn('sh', ['-c', attack], { uid, gid: uid, stdio: ['ignore', 'ignore', 'pipe', state.fd] })
  let complaints = ''
  attacker.stderr?.on('data', (chunk: Buffer) => (complaints += chunk.toString()))
  await once(attacker, 'close')
  await state.close()
  await session.close()
  expect(complaints.trim().split('\n')).toHaveLength(4)
  const next = await openSession()
  expect(isClone(next)).toBe(true)
  await next.close()
})

test('a damaged template is built again', async () => {
  const state = join(await theTemplate(), 'state')
  const { size, ino } = await stat(state)
  await truncate(state, Math.floor(size / 2))
  const session = await openSession()
  expect(isClone(session)).toBe(true)
  await session.close()
  expect((await stat(join(await theTemplate(), 'state'))).ino).not.toBe(ino)
})

test('no template can be made: a cold boot, and the reason', async () => {
  await rm(templates, { recursive: true })
  // Somebody else could put something in there.
  await mkdir(templates)
  await chmod(templates, 0o777)
  const session = await openSession()
  expect(isClone(session)).toBe(false)
  expect(session.diagnostics.map(({ code }) => code)).toEqual(['TEMPLATE_UNUSABLE'])
  await session.close()
  await rm(templates, { recursive: true })
})
