// Templates whose memory a process holds for clones to share: what they share, that nobody can change it, and what happens when it is gone. Needs an appliance
// that can reseed, and perl.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, open, readdir, readFile, readlink, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type DriverSession, hostPath, type Preparation } from '@host-deployer/driver-api'
import { createLocalToolHost, identifyProcess, isRunning, type ProcessIdentity } from '@host-deployer/driver-kit'
import { createRawImage, digestOf, listTree, processesHolding } from '@host-deployer/driver-testkit'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { applianceUnderTest } from './appliance.test-support.ts'
import { type CloneFixture, codesOf, createCloneFixture, IMAGE_BYTES, isClone, ourQemus, run, withCache } from './clones.test-support.ts'
import { driver } from './driver.ts'
import type { MemoryPlace } from './held-memory.ts'
import { harmless, memoryAttack } from './held-memory-attack.test-support.ts'
import { type HeldGuest, heldGuestOf, ourHolders, startKeeper } from './held-templates.test-support.ts'
import { sweepTemplates } from './template-sweep.ts'

const isRoot = process.getuid?.() === 0
const MIB = 2 ** 20
const keepers = [startKeeper(), startKeeper(), startKeeper()] as const
let fixture: CloneFixture
beforeAll(async () => {
  fixture = await createCloneFixture()
})
afterEach(() => fixture.closeAll())
afterAll(async () => {
  for (const keeper of keepers) keeper.kill('SIGKILL')
  await fixture.remove()
})

const hold = (keepFor: number, changes?: Parameters<CloneFixture['open']>[0]): Promise<Preparation | undefined> =>
  Promise.resolve(driver.prepare?.(fixture.context(changes), { keepFor }))

/** What the record of the one held template says. */
async function held(): Promise<MemoryPlace & { readonly directory: string; readonly path: string }> {
  for (const name of (await readdir(fixture.templates)).filter((each) => /^[0-9a-f]{32}$/.test(each))) {
    const directory = join(fixture.templates, name)
    const { memory } = JSON.parse(await readFile(join(directory, 'template.json'), 'utf8')) as { memory?: MemoryPlace }
    if (memory !== undefined) return { ...memory, directory, path: `/proc/${memory.holder.pid}/fd/${memory.descriptor}` }
  }
  throw new Error('No template is held')
}

const finding = async () => (await driver.probe(fixture.context())).findings.find(({ subject }) => subject === 'template')
const guests = async (): Promise<(HeldGuest | undefined)[]> => Promise.all((await ourQemus()).map(heldGuestOf))

/** Opens and closes a session: whether it was a clone, of memory that is held, and what it had to say. */
async function start(): Promise<{ clone: boolean; held: boolean; codes: string[] }> {
  const session = await fixture.open()
  const outcome = { clone: isClone(session), held: (await guests()).every((guest) => guest !== undefined), codes: codesOf(session) }
  await session.close()
  expect(await ourQemus()).toEqual([])
  expect(await listTree(fixture.workDirectory)).toEqual([])
  expect(await listTree(fixture.leaseDirectory)).toEqual([])
  return outcome
}
const HELD = { clone: true, held: true, codes: [] }
const ORDINARY = { clone: true, held: false, codes: [] }
const BOOT = { clone: false, held: false, codes: ['TEMPLATE_UNUSABLE'] }

const endsSoon = (holder: MemoryPlace['holder']) => expect.poll(() => isRunning(holder), { timeout: 3_000, interval: 50 }).toBe(false)

/** What a deploy has a kernel do: a file system is made, mounted, written to, checked. */
const work = async (session: DriverSession): Promise<unknown> =>
  run(
    session,
    `disk=$(ls /dev/sd?); mkfs.ext4 -q "$disk" >/dev/null && mount "$disk" /mnt && tar -C / -cf - bin etc lib 2>/dev/null | head -c 6000000 >/mnt/files
sync && umount /mnt && e2fsck -fp "$disk" >/dev/null && lsblk --json >/dev/null && blkid "$disk" >/dev/null`,
  )

// Of processes those that have a program, not the kernel's own; the list is complete before anything is started to sort it.
const lookAround = `ls -A /root /mnt /run /tmp; cat /proc/mounts; programs=$(readlink /proc/[0-9]*/exe); echo "$programs" | sort
modules=$(cut -d" " -f1 /proc/modules); echo "$modules" | sort`
const PLANT = `echo planted >/root/planted; echo planted >/etc/profile; mkdir /mnt/planted; mount -t tmpfs planted /mnt/planted; modprobe udf
sleep 1000 >/dev/null 2>&1 &`

test('it is held once for a keeper; three clones at once have their pages in common and copy few', async () => {
  const [{ pid }] = keepers
  const making = hold(pid)
  await expect.poll(() => readdir(fixture.templates).catch(() => []), { interval: 20 }).toContainEqual(expect.stringMatching(/\.lock$/))
  // A session that comes meanwhile has no template of its own made.
  const early = await fixture.open()
  const made = await making
  expect(await guests()).toMatchObject([{ isPrivate: true }])
  expect((await readdir(fixture.templates)).filter((name) => /^[0-9a-f]{32}$/.test(name))).toHaveLength(1)
  await early.close()
  const { holder, directory, descriptor } = await held()
  expect(made).toMatchObject({ outcome: 'made', artefact: { path: directory }, keptFor: pid })
  expect(await hold(pid)).toMatchObject({ outcome: 'found', artefact: { path: directory } })
  expect((await held()).holder).toEqual(holder)
  const told = await finding()
  expect(told).toMatchObject({ ok: true, data: { start: 'clone', template: 'present', held: true, warm: true, keeperPid: pid } })
  for (const name of ['bootMs', 'cloneMs']) expect(told?.data?.[name]).toBeGreaterThan(0)
  expect((await readdir(directory)).sort()).toEqual(['state', 'template.json'])
  expect((await stat(join(directory, 'state'))).size).toBeLessThan(16 * MIB)
  expect(await processesHolding(fixture.directory)).toEqual([])
  const links = await Promise.all((await readdir(`/proc/${holder.pid}/fd`)).map((fd) => readlink(`/proc/${holder.pid}/fd/${fd}`)))
  const others = links.filter((link) => link !== '/dev/null')
  expect(others).toEqual([await readlink(`/proc/${holder.pid}/fd/${descriptor}`)])
  const images = await Promise.all(['one', 'two', 'three'].map((name) => createRawImage(fixture.directory, name, IMAGE_BYTES)))
  const sessions = await Promise.all(images.map((image) => fixture.open({}, image)))
  const drawn = await Promise.all(
    sessions.map((session) => run(session, 'head -c 32 /dev/urandom | od -An -w32 -tx1; cat /proc/sys/kernel/random/uuid')),
  )
  const lines = drawn.flatMap((text) => text.split('\n'))
  expect(lines).toHaveLength(3 * 2)
  expect(new Set(lines).size).toBe(lines.length)
  // Each kernel has seen the new generation id.
  for (const session of sessions) expect(session.info.timings).toHaveProperty('reseed')
  await Promise.all(sessions.map(work))
  const seen = await guests()
  expect(seen).toHaveLength(3)
  for (const guest of seen) {
    expect(guest).toMatchObject({ isPrivate: true })
    expect(guest?.pssBytes).toBeLessThanOrEqual(48 * MIB)
    expect(guest?.copiedBytes).toBeLessThanOrEqual(40 * MIB)
  }
  for (const session of sessions) {
    expect(codesOf(session)).toEqual([])
    await session.close()
  }
})

test('nothing passes from one clone of it to the next: no file, no process, no mount, no module, not even when it was killed', async () => {
  const first = await fixture.open()
  const before = await run(first, lookAround)
  await run(first, PLANT)
  expect(await run(first, lookAround)).not.toBe(before)
  expect(await guests()).toMatchObject([{ isPrivate: true }])
  for (const pid of await ourQemus()) process.kill(pid, 'SIGKILL')
  await first.close().catch(() => {})
  const next = await fixture.open()
  expect([isClone(next), await guests()]).toEqual([true, [expect.objectContaining({ isPrivate: true })]])
  expect(await run(next, lookAround)).toBe(before)
  expect(await run(next, 'cat /etc/profile 2>/dev/null; true')).not.toContain('planted')
  await next.close()
})

// As in a clone of an ordinary user, who owns the memory; as root with more privileges than that one has.
const attackers = [...(isRoot ? ['user of the clone'] : []), 'owner of the memory']
test.each(attackers)('the %s, with descriptors of a clone, cannot change the memory', async (attackedBy) => {
  const isItsUser = attackedBy === 'user of the clone'
  const { directory, inode, holder, descriptor, path } = await held()
  const before = await digestOf(hostPath(path))
  const session = await fixture.open()
  const [qemu = 0] = await ourQemus()
  const status = await readFile(`/proc/${qemu}/status`, 'utf8')
  const id = (name: string): number => Number(new RegExp(`^${name}:\t(\\d+)`, 'm').exec(status)?.[1])
  // What QEMU has inherited and what it has opened itself, each the way it is there.
  const handles = []
  for (const name of (await readdir(`/proc/${qemu}/fd`)).map(Number).sort((one, other) => one - other)) {
    const target = await readlink(`/proc/${qemu}/fd/${name}`).catch(() => '')
    if (name < 3 || !target.startsWith('/') || target.startsWith('/dev/')) continue
    const flags = /^flags:\s+(\d+)/m.exec(await readFile(`/proc/${qemu}/fdinfo/${name}`, 'utf8'))?.[1] ?? '0'
    handles.push(await open(`/proc/${qemu}/fd/${name}`, (Number.parseInt(flags, 8) & 3) === 0 ? 'r' : 'r+'))
  }
  const own = isItsUser ? [String(holder.pid), String(descriptor)] : ['0', '0']
  const argv = ['--pdeathsig', 'KILL', '--no-new-privs', '--', 'perl', '-e', memoryAttack, inode, ...own, directory]
  const attacker = spawn('setpriv', argv, {
    ...(isItsUser && { uid: id('Uid'), gid: id('Gid') }),
    stdio: ['ignore', 'pipe', 'pipe', ...handles.map(({ fd }) => fd)],
    cwd: '/',
  })
  let said = ''
  for (const stream of [attacker.stdout, attacker.stderr]) stream?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  await once(attacker, 'close')
  for (const handle of handles) await handle.close()
  const lines = said.trim().split('\n')
  expect([...new Set(lines)]).toEqual(harmless)
  expect(lines.length).toBeGreaterThanOrEqual(harmless.length)
  expect(await digestOf(hostPath(path))).toBe(before)
  await session.close()
  expect(await start()).toEqual(HELD)
  expect(await digestOf(hostPath(path))).toBe(before)
})

test('it is held for another one as well: nothing is made anew, and it stays when the first one ends', async () => {
  const { holder, directory } = await held()
  const { madeAtMs } = await recordOf(directory)
  expect(await hold(keepers[1].pid)).toMatchObject({ outcome: 'found', artefact: { path: directory }, keptFor: keepers[1].pid })
  expect(await held()).toMatchObject({ holder, keepers: [keepers[0], keepers[1]].map(({ pid }) => ({ pid })) })
  expect(await recordOf(directory)).toEqual({ madeAtMs, names: ['state', 'template.json'] })
  keepers[0].kill('SIGKILL')
  // The holder looks each second.
  await delay(2_500)
  expect(await isRunning(holder)).toBe(true)
  expect(await start()).toEqual(HELD)
  expect(await hold(keepers[1].pid)).toMatchObject({ outcome: 'found', keptFor: keepers[1].pid })
})

async function recordOf(directory: string) {
  return { madeAtMs: Math.round((await stat(join(directory, 'template.json'))).mtimeMs), names: (await readdir(directory)).sort() }
}

test('a clone of it that fails: it is given up, the session boots, the next one has an ordinary template', async () => {
  const { directory, holder } = await held()
  const state = join(directory, 'state')
  const handle = await open(state, 'r+')
  await handle.write(Buffer.alloc(4096, 1), 0, 4096, 64)
  await handle.close()
  // The record as if the state had always been so.
  const { size, ino, mtimeNs, ctimeNs } = await stat(state, { bigint: true })
  const path = join(directory, 'template.json')
  const { mtime } = await stat(path)
  const record = JSON.parse(await readFile(path, 'utf8')) as object
  const identity = { sizeBytes: Number(size), inode: String(ino), mtimeNs: String(mtimeNs), ctimeNs: String(ctimeNs) }
  await writeFile(path, JSON.stringify({ ...record, state: identity }))
  await utimes(path, mtime, mtime)
  expect(await start()).toEqual(BOOT)
  await endsSoon(holder)
  expect(await readdir(fixture.templates)).not.toContain(basename(directory))
  expect(await start()).toEqual(ORDINARY)
})

test('the holder is killed: sessions have an ordinary template', async () => {
  expect(await hold(keepers[1].pid)).toMatchObject({ outcome: 'made' })
  const { holder } = await held()
  expect(await start()).toEqual(HELD)
  process.kill(holder.pid, 'SIGKILL')
  await endsSoon(holder)
  expect(await start()).toEqual(ORDINARY)
  expect((await finding())?.data).toMatchObject({ template: 'present', held: false })
})

test('the keeper ends: the holder does, sessions that run go on, others have an ordinary template', async () => {
  expect(await hold(keepers[2].pid)).toMatchObject({ outcome: 'made' })
  const { holder } = await held()
  const session = await fixture.open()
  keepers[2].kill('SIGKILL')
  await endsSoon(holder)
  await work(session)
  await session.close()
  expect(await start()).toEqual(ORDINARY)
})

test('a sweep ends what is held for the same keeper elsewhere and takes what nobody holds; what others hold stays', async () => {
  const parent = join(fixture.directory, 'swept')
  await mkdir(parent, { mode: 0o700 })
  const holders = [startKeeper(), startKeeper(), startKeeper(), startKeeper()]
  const [me, other] = await Promise.all([process.pid, process.ppid].map(identifyProcess))
  if (me === undefined || other === undefined) throw new Error('No process')
  const plant = async (letter: string, holder: ProcessIdentity | undefined, ...keepers: readonly ProcessIdentity[]): Promise<void> => {
    const directory = join(parent, letter.repeat(32))
    await mkdir(directory)
    const state = { sizeBytes: 1, inode: '1', mtimeNs: '1', ctimeNs: '1' }
    const memory = { holder, keepers, descriptor: 3, inode: '1' }
    await writeFile(join(directory, 'template.json'), JSON.stringify({ bootId: me.bootId, privateKeyPem: '', hostKey: '', state, memory }))
  }
  const [mine, theirs, gone, both] = await Promise.all(holders.map(({ pid }) => identifyProcess(pid)))
  await plant('1', mine, me)
  await plant('2', theirs, other)
  await plant('3', gone, other)
  await plant('4', both, me, other)
  holders[2]?.kill('SIGKILL')
  if (gone !== undefined) await endsSoon(gone)
  await sweepTemplates({ parent, key: '9'.repeat(32), directory: join(parent, '9'.repeat(32)), isHeld: true }, { keeper: me })
  expect((await readdir(parent)).sort()).toEqual(['2', '4'].map((letter) => letter.repeat(32)))
  const left = JSON.parse(await readFile(join(parent, '4'.repeat(32), 'template.json'), 'utf8')) as { memory: MemoryPlace }
  expect(left.memory.keepers).toEqual([other])
  if (mine !== undefined) await endsSoon(mine)
  expect(theirs !== undefined && (await isRunning(theirs))).toBe(true)
  for (const index of [1, 3]) holders[index]?.kill('SIGKILL')
})

test('a build that fails or is cancelled leaves neither process nor memory', async () => {
  const nothingLeft = async (): Promise<void> => {
    await expect.poll(ourHolders, { timeout: 3_000 }).toEqual([])
    expect(await ourQemus()).toEqual([])
    const left = (await readdir(fixture.templates)).filter((name) => name.startsWith('building-') || name.endsWith('.lock'))
    expect(left).toEqual([])
    expect(await listTree(fixture.leaseDirectory)).toEqual([])
  }
  const descriptors = (await readdir('/proc/self/fd')).length
  const { options } = fixture.context()
  // It is not held, but there is the ordinary one.
  const ordinary = await hold(process.pid, { options: { ...options, bootTimeoutMs: 500 } })
  expect(ordinary).toMatchObject({ outcome: 'found' })
  expect(ordinary).not.toHaveProperty('keptFor')
  await nothingLeft()
  const cancelling = new AbortController()
  const pending = hold(process.pid, { signal: cancelling.signal })
  await expect.poll(ourHolders, { timeout: 20_000, interval: 20 }).toHaveLength(1)
  cancelling.abort()
  await expect(pending).rejects.toMatchObject({ code: 'ABORTED' })
  await nothingLeft()
  expect((await readdir('/proc/self/fd')).length).toBe(descriptors)
  expect(await start()).toEqual(ORDINARY)
})

test.runIf(isRoot).each([
  ['no perl', '/dev/null'],
  ['a perl that ends at once', '/bin/false'],
])('%s: an ordinary template, and why', async (_, instead) => {
  const program = join(import.meta.dirname, 'held-templates.test-support.ts')
  const argument = JSON.stringify({ ...fixture.input, keepFor: process.pid })
  const script = 'perl=$(command -v perl) && mount --bind "$1" "$(readlink -f "$perl")" && shift && exec "$@"'
  const { stdout } = await createLocalToolHost().exec([
    ...(['unshare', '-m', 'sh', '-c', script, 'sh', instead] as const),
    ...[process.execPath, '--conditions=@host-deployer/source', '--disable-warning=ExperimentalWarning', program, argument],
  ])
  const { outcome, detail } = JSON.parse(Buffer.from(stdout).toString()) as Preparation
  const ordinary = await driver.prepare?.(fixture.context())
  expect(outcome).toBe('found')
  expect(detail.length).toBeGreaterThan(ordinary?.detail.length ?? Infinity)
})

test('one in a file stays when the keeper ends: sessions are clones of it from the first moment, while another one is being held, too', async () => {
  const [before, after] = [startKeeper(), startKeeper()]
  const file = (await driver.prepare?.(fixture.context()))?.artefact
  if (file === undefined) throw new Error('There is no template in a file')
  const usedMs = async () => (await stat(file.path)).mtimeMs
  const inode = async () => (await stat(join(file.path, 'state'))).ino
  const [left, unused] = [await inode(), await usedMs()]
  expect(await hold(before.pid)).toMatchObject({ outcome: 'made', keptFor: before.pid })
  expect((await finding())?.data).toMatchObject({ held: true, keeperPid: before.pid, fileBytes: file.sizeBytes })
  expect(await start()).toEqual(HELD)
  // Not to be swept as one that nobody uses.
  expect(await usedMs()).toBeGreaterThan(unused)
  const { holder } = await held()
  before.kill('SIGKILL')
  await endsSoon(holder)
  expect((await finding())?.data).toMatchObject({ held: false, fileBytes: file.sizeBytes, sizeBytes: file.sizeBytes })
  let isMade = false
  const making = hold(after.pid).finally(() => {
    isMade = true
  })
  await expect.poll(() => readdir(fixture.templates), { interval: 20 }).toContainEqual(expect.stringMatching(/\.lock$/))
  const early = await fixture.open()
  expect([isMade, isClone(early), codesOf(early), await inode()]).toEqual([false, true, [], left])
  await early.close()
  expect(await making).toMatchObject({ outcome: 'made', keptFor: after.pid })
  expect(await inode()).toBe(left)
  expect(await start()).toEqual(HELD)
  // Gone, it is made again beside the one that is held.
  const { holder: other } = await held()
  await rm(file.path, { recursive: true })
  expect((await finding())?.data).toMatchObject({ held: true, fileBytes: 0 })
  expect(await driver.prepare?.(fixture.context())).toMatchObject({ outcome: 'made', artefact: { path: file.path } })
  expect((await finding())?.data).toMatchObject({ held: true, keeperPid: after.pid })
  expect((await held()).holder).toEqual(other)
  expect(await start()).toEqual(HELD)
  after.kill('SIGKILL')
  await endsSoon(other)
})

test('a damaged appliance of the right size: refused by prepare and by each session, nothing is made of it', async () => {
  const appliance = join(fixture.directory, 'damaged')
  await cp(applianceUnderTest, appliance, { recursive: true })
  const initramfs = await open(join(appliance, 'initramfs'), 'r+')
  // Most of the way in: it boots all the same, or panics.
  await initramfs.write(Buffer.from('damage'), 0, 6, (await initramfs.stat()).size - 2 * MIB)
  await initramfs.close()
  const changes = { ...withCache(join(fixture.directory, 'damaged-cache')), options: { ...fixture.context().options, appliance } }
  const damaged = { code: 'APPLIANCE_DAMAGED' }
  await expect(hold(process.pid, changes)).rejects.toMatchObject(damaged)
  for (let count = 0; count < 2; count += 1) await expect(fixture.open(changes)).rejects.toMatchObject(damaged)
  expect(await listTree(join(fixture.directory, 'damaged-cache', 'templates'))).toEqual([])
  expect(await ourHolders()).toEqual([])
  expect(await listTree(fixture.leaseDirectory)).toEqual([])
})

test('a command that does not end in time comes with what the console says', async () => {
  const session = await fixture.open()
  const pending = session.toolHost.exec(['sh', '-c', 'echo a sign of life >/dev/console; sleep 100'], { timeoutMs: 2_000 })
  const detail = expect.stringContaining('a sign of life')
  await expect(pending).rejects.toMatchObject({ code: 'EXEC_TIMEOUT', diagnostics: [{ code: 'APPLIANCE_CONSOLE', detail }] })
  await session.close()
})

test.runIf(isRoot)('no room for one in a file: it is told, and nothing else is different', async () => {
  const cacheDirectory = join(fixture.directory, 'small')
  await mkdir(cacheDirectory)
  const host = createLocalToolHost()
  expect((await host.exec(['mount', '-t', 'tmpfs', '-o', 'size=64m,mode=700', 'cache', cacheDirectory])).exitCode).toBe(0)
  const keeper = startKeeper()
  const changes = withCache(cacheDirectory)
  try {
    expect(await hold(keeper.pid, changes)).toMatchObject({ outcome: 'made', keptFor: keeper.pid })
    const names = await readdir(join(cacheDirectory, 'templates'))
    const template = async () => (await driver.probe(fixture.context(changes))).findings.find(({ subject }) => subject === 'template')
    expect(await template()).toMatchObject({
      ok: true,
      remedy: expect.any(String),
      data: { template: 'present', held: true, fileBytes: 0 },
    })
    await expect(driver.prepare?.(fixture.context(changes))).rejects.toMatchObject({ code: 'DRIVER_TEMPLATE_FAILED' })
    expect(await readdir(join(cacheDirectory, 'templates'))).toEqual(names)
    expect(await template()).toMatchObject({ ok: true, data: { held: true, fileBytes: 0 } })
    const session = await fixture.open(changes)
    expect([isClone(session), codesOf(session), await guests()]).toEqual([true, [], [expect.objectContaining({ isPrivate: true })]])
    await session.close()
  } finally {
    keeper.kill('SIGKILL')
    await host.exec(['umount', '-l', cacheDirectory])
  }
})
