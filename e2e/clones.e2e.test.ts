import { once } from 'node:events'
import { mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { DeployReport } from '@host-deployer/api'
import { type DriverSession, hostPath } from '@host-deployer/driver-api'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ensureAppliance, openTestDriver } from './lib/appliance.ts'
import { measureCloneMemory } from './lib/clone-memory.ts'
import { commandLine } from './lib/command-line.ts'
import { watchHandshakes } from './lib/first-packets.ts'
import { createPhonyDisk } from './lib/phony-disk.ts'
import { driverArguments } from './lib/run-command.ts'
import { startDaemon } from './lib/running-daemon.ts'
import { createWorkspace, type Workspace } from './lib/workspace.ts'

// Sessions are clones of a saved VM: what the user sees of that, and that the clones have nothing in common but where they come from.

const rounds = process.env['HOST_DEPLOYER_SOAK'] === undefined ? 8 : 50
const MiB = 2 ** 20
let space: Workspace
let image: string
beforeAll(async () => {
  await ensureAppliance()
  space = await createWorkspace('clones')
  image = space.path('disk.raw')
  await createPhonyDisk(image, { type: 'ext4', sizeBytes: 256 * MiB })
})
afterAll(() => space.remove())

/** The command with a cache of its own, where there is no template yet. */
async function withOwnCache(...args: readonly string[]) {
  const [node, ...rest] = commandLine([...args, '--json', ...driverArguments()])
  const env = { XDG_CACHE_HOME: space.path('cache'), HOST_DEPLOYER_E2E_APPLIANCE: undefined }
  const { exitCode, stdout, stderr } = await execa(node, rest, { env, reject: false })
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  return JSON.parse(stdout) as Record<string, unknown>
}

interface Doctor {
  readonly findings: readonly { readonly subject: string; readonly ok: boolean; readonly data?: Record<string, unknown> }[]
}
async function templateFinding() {
  const { findings } = (await withOwnCache('doctor')) as unknown as Doctor
  return findings.find(({ subject }) => subject === 'template')
}

test('appliance warm makes the template, a second one finds it, a deploy uses it, and doctor tells at each step', async () => {
  await mkdir(space.path('cache'))
  expect(await templateFinding()).toMatchObject({ ok: true, data: { start: 'clone', template: 'absent' } })
  const made = await withOwnCache('appliance', 'warm')
  expect(made).toMatchObject({ outcome: 'made', path: expect.any(String), durationMs: expect.any(Number) })
  expect(await readdir(String(made['path']))).toHaveLength(2)
  expect((await stat(join(String(made['path']), 'state'))).size).toBe(made['sizeBytes'])
  expect(await withOwnCache('appliance', 'warm')).toMatchObject({ outcome: 'found', path: made['path'], sizeBytes: made['sizeBytes'] })
  const warm = await templateFinding()
  expect(warm).toMatchObject({
    ok: true,
    data: { start: 'clone', template: 'present', sizeBytes: made['sizeBytes'], bootMs: expect.any(Number) },
  })
  expect(warm?.data).not.toHaveProperty('cloneMs')
  const report = (await withOwnCache('deploy', image, '--hostname', 'cloned')) as unknown as DeployReport
  expect(report.changed).toBe(true)
  expect(codesOf(report)).not.toContain('TEMPLATE_UNUSABLE')
  expect(Object.keys(report.timings)).toContain('open.restore')
  expect((await templateFinding())?.data).toMatchObject({ cloneMs: expect.any(Number) })
})

const codesOf = ({ diagnostics }: Pick<DriverSession, 'diagnostics'>) => diagnostics.map(({ code }) => code)

async function openClone(): Promise<DriverSession> {
  const { driver, context } = await openTestDriver()
  const chain = [{ path: hostPath(image), format: 'raw' }] as const
  const session = await driver.open({ disks: [{ id: 'disk0', access: 'read-write', chain }] }, context)
  expect(codesOf(session)).not.toContain('TEMPLATE_UNUSABLE')
  expect(session.info.timings).toHaveProperty('restore')
  return session
}

async function footprint() {
  const { context } = await openTestDriver()
  const children = (await readFile(`/proc/self/task/${process.pid}/children`, 'utf8')).trim().split(' ')
  return {
    descriptors: (await readdir('/proc/self/fd')).length,
    children: children.filter((pid) => pid !== '').length,
    resources: process.getActiveResourcesInfo().length,
    files: (await readdir(context.workDirectory, { recursive: true })).length,
  }
}

test(`${rounds} clones: no random bytes, no UUID, no SSH cookie or key come twice, and nothing grows`, async () => {
  const watch = watchHandshakes()
  const seen: string[] = []
  // What is loaded and kept once.
  for (let warmUp = 0; warmUp < 2; warmUp += 1) await (await openClone()).close()
  const handshakesBefore = watch.seen().length
  const before = { ...(await footprint()), rss: process.memoryUsage.rss() }
  for (let round = 0; round < rounds; round += 1) {
    await using session = await openClone()
    const script =
      'head -c 32 /dev/urandom | od -An -tx1 | tr -d " \\n"; echo; cat /proc/sys/kernel/random/uuid; mktemp -u XXXXXXXXXXXXXXXX'
    const { stdout } = await session.toolHost.exec(['sh', '-c', script])
    const lines = Buffer.from(stdout).toString().trim().split('\n')
    expect(lines).toHaveLength(3)
    seen.push(...lines)
  }
  watch.stop()
  const handshakes = watch.seen().slice(handshakesBefore)
  expect(handshakes).toHaveLength(rounds)
  for (const { cookie, ephemeralKey } of handshakes) {
    expect([cookie, ephemeralKey].map(({ length }) => length)).toEqual([32, 64])
    seen.push(cookie, ephemeralKey)
  }
  expect(new Set(seen).size).toBe(5 * rounds)
  const grown = async () => {
    const after = await footprint()
    return (['descriptors', 'children', 'resources', 'files'] as const).filter((name) => after[name] > before[name])
  }
  // A timer of the test runner's own comes and goes; what a session has left stays. (To poll by `expect` would be a timer, too.)
  let left = await grown()
  for (let look = 0; left.length > 0 && look < 200; look += 1) {
    await delay(100)
    left = await grown()
  }
  expect(left).toEqual([])
  expect(process.memoryUsage.rss() - before.rss).toBeLessThan(96 * MiB)
})

test('appliance warm --hold: the memory is held while the command runs, and doctor says so', async () => {
  const [node, ...rest] = commandLine(['appliance', 'warm', '--hold', '--json', ...driverArguments()])
  const env = { XDG_CACHE_HOME: space.path('cache'), HOST_DEPLOYER_E2E_APPLIANCE: undefined }
  const holding = execa(node, rest, { env, reject: false })
  const printed = await once(holding.stdout, 'data')
  expect(JSON.parse(String(printed[0]))).toMatchObject({ outcome: 'made', keptFor: holding.pid })
  expect((await templateFinding())?.data).toMatchObject({ template: 'present', held: true, keeperPid: holding.pid })
  const report = (await withOwnCache('deploy', image, '--hostname', 'shared')) as unknown as DeployReport
  expect(Object.keys(report.timings)).toContain('open.restore')
  holding.kill('SIGTERM')
  expect((await holding).exitCode).toBe(0)
  await expect.poll(async () => (await templateFinding())?.data?.['held'], { timeout: 120_000 }).toBe(false)
})

test('a daemon holds it from its start to its end', async () => {
  const daemon = await startDaemon(space, { cacheDirectory: space.path('cache/host-deployer') })
  await expect.poll(() => daemon.lines.map(({ event }) => event), { timeout: 120_000 }).toContain('driver.prepared')
  expect((await templateFinding())?.data).toMatchObject({ template: 'present', held: true, keeperPid: daemon.pid })
  expect(await daemon.end('SIGTERM')).toBe(0)
  await expect.poll(async () => (await templateFinding())?.data?.['held'] === true, { timeout: 120_000 }).toBe(false)
})

test('five at once: each its own; they have the memory of the template in common and copy little of it', async () => {
  const { driver: preparing, context: whole } = await openTestDriver()
  expect(await preparing.prepare?.(whole, { keepFor: process.pid })).toMatchObject({ keptFor: process.pid })
  const sessions = await Promise.all(
    Array.from({ length: 5 }, async (_, index) => {
      const path = space.path(`five-${index}.raw`)
      await writeFile(path, '')
      await truncate(path, (64 + index) * MiB)
      const { driver, context } = await openTestDriver()
      return await driver.open(
        { disks: [{ id: `five-${index}`, access: 'read-write', chain: [{ path: hostPath(path), format: 'raw' }] }] },
        context,
      )
    }),
  )
  try {
    expect(sessions.map(({ disks }) => disks[0].sizeBytes)).toEqual([0, 1, 2, 3, 4].map((index) => (64 + index) * MiB))
    const pids = (await readFile(`/proc/self/task/${process.pid}/children`, 'utf8')).trim().split(' ').map(Number)
    const names = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')))
    const qemus = pids.filter((_, index) => names[index]?.startsWith('qemu'))
    expect(qemus).toHaveLength(5)
    for (const pid of qemus) {
      const { guestProportionalBytes, guestCopiedBytes, qemuBytes } = await measureCloneMemory(pid, 256)
      expect(guestProportionalBytes).toBeLessThanOrEqual(48 * MiB)
      expect(guestCopiedBytes).toBeLessThanOrEqual(40 * MiB)
      expect(qemuBytes).toBeLessThan(192 * MiB)
    }
  } finally {
    for (const session of sessions) await session.close()
  }
})
