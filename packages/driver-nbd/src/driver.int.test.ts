import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DeployError, type DriverSession, toolPath } from '@host-deployer/driver-api'
import { listLeases, reclaim } from '@host-deployer/driver-kit'
import { digestOf, isFree } from '@host-deployer/driver-testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { driver } from './driver.ts'
import { findRunDirectory, makeRunDirectory } from './run-directory.ts'
import { type Bed, contextIn, createBed, requestOf, residueOf, run, sessionIds, trusted } from './session.test-support.ts'

// Needs root, loop devices, FUSE, qemu-utils, libnbd-bin, e2fsprogs, xfsprogs.
const mebibyte = 2 ** 20
let bed: Bed
let children: ChildProcess[] = []

beforeEach(async () => {
  bed = await createBed()
})
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  children = []
  await reclaim(bed.leaseDirectory)
  await bed.remove()
})

const codeOf = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => 'none',
    (error: unknown) => (DeployError.isInstance(error) ? error.code : String(error)),
  )

async function image(name: string, sizeMebibytes = 64): Promise<string> {
  const path = join(bed.directory, name)
  await writeFile(path, '')
  await truncate(path, sizeMebibytes * mebibyte)
  return path
}

async function fileSystem(name: string, ...mkfs: [string, ...string[]]): Promise<string> {
  const path = await image(name, mkfs[0] === 'mkfs.xfs' ? 320 : 64)
  execFileSync(mkfs[0], [...mkfs.slice(1), path], { stdio: 'pipe' })
  return path
}

const raw = (path: string) => ({ path: requestOf(path).disks[0].chain[0].path, format: 'raw' as const })

async function mounted(session: DriverSession, options = 'nodev,nosuid,noexec'): Promise<void> {
  await run(session, 'mkdir', '-p', '/mnt/guest')
  await run(session, 'mount', '-o', options, session.disks[0].device, '/mnt/guest')
}

test('no image is opened unless images are declared trusted', async () => {
  const request = requestOf(await image('a.raw'))
  expect(await codeOf(driver.open(request, contextIn(bed.directory, {})))).toBe('DRIVER_IMAGE_NOT_TRUSTED')
  expect((await driver.probe(contextIn(bed.directory, {}))).usable).toBe(true)
})

test('where sessions cannot mount, as on a read-only root file system, a probe says so, and opening has a code', async () => {
  const directory = join(bed.directory, 'read-only')
  await mkdir(directory)
  expect(await findRunDirectory(join(directory, 'sessions'))).toMatchObject({ usable: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'none', directory])
  try {
    expect(await findRunDirectory(join(directory, 'sessions'))).toMatchObject({ usable: false })
    expect(await codeOf(makeRunDirectory(join(directory, 'sessions')))).toBe('DRIVER_NAMESPACE_FAILED')
    // One that is there already, a tmpfs usually, will do.
    expect(await findRunDirectory(directory)).toMatchObject({ usable: true })
    expect(await codeOf(makeRunDirectory(directory))).toBe('none')
  } finally {
    execFileSync('umount', [directory])
  }
  const { findings } = await driver.probe(bed.context)
  expect(findings.find(({ subject }) => subject === 'run-directory')?.ok).toBe(true)
})

test('the kernel attacher says what is missing, auto does without it', async () => {
  const request = requestOf(await image('a.raw'))
  // Where the module is, both work, and this is what is seen of it.
  const kernel = await driver.probe(contextIn(bed.directory, { ...trusted, attach: 'kernel' }))
  const expected = kernel.usable ? 'none' : 'DRIVER_NBD_MODULE'
  const attempt = driver.open(request, contextIn(bed.directory, { ...trusted, attach: 'kernel' })).then((session) => session.close())
  expect(await codeOf(attempt)).toBe(expected)
  const session = await driver.open(request, contextIn(bed.directory, { ...trusted, attach: 'auto' }))
  expect(session.diagnostics.map(({ code }) => code)).toEqual(kernel.usable ? [] : ['NBD_FUSE_USED'])
  await session.close()
})

test('raw images are locked like any other, against ours and against everybody', async () => {
  const path = await image('a.raw')
  await using session = await driver.open(requestOf(path), bed.context)
  expect(session.disks[0].sizeBytes).toBe(64 * mebibyte)
  expect(await isFree(raw(path))).toBe(false)
  expect(await codeOf(driver.open(requestOf(path), bed.context))).toBe('IMAGE_LOCKED')
  expect(await codeOf(driver.open(requestOf(path, 'scratch'), bed.context))).toBe('IMAGE_LOCKED')
  expect(await codeOf(driver.open(requestOf(path, 'read-only'), bed.context))).toBe('IMAGE_LOCKED')
})

test('four sessions at once, of clones with one xfs uuid, see each its own', async () => {
  const paths = [await fileSystem('0.raw', 'mkfs.xfs', '-q'), ...[1, 2, 3].map((index) => join(bed.directory, `${index}.raw`))]
  for (const path of paths.slice(1)) execFileSync('cp', ['--sparse=always', paths[0] ?? '', path])
  const sessions = await Promise.all(paths.map((path) => driver.open(requestOf(path), bed.context)))
  await Promise.all(
    sessions.map(async (session, index) => {
      await mounted(session, 'nouuid')
      await session.toolHost.fs.createFile(toolPath('/mnt/guest/who'), Buffer.from(`${index}`), { mode: 0o600, uid: 0, gid: 0 })
    }),
  )
  const contents = sessions.map((session) => session.toolHost.fs.readFile(toolPath('/mnt/guest/who'), { maxBytes: 9 }))
  expect((await Promise.all(contents)).map((bytes) => Buffer.from(bytes).toString())).toEqual(['0', '1', '2', '3'])
  const ids = await sessionIds(bed)
  expect(ids).toHaveLength(4)
  await Promise.all(sessions.map((session) => session.close()))
  expect(await residueOf(bed, ids)).toEqual([])
})

test('scratch: what was written and mounted leaves the image byte for byte', async () => {
  const path = await fileSystem('a.raw', 'mkfs.ext4', '-q', '-F')
  const before = await digestOf(raw(path).path)
  const session = await driver.open(requestOf(path, 'scratch'), bed.context)
  await mounted(session)
  await run(session, 'dd', 'if=/dev/urandom', 'of=/mnt/guest/x', 'bs=1M', 'count=8', 'conv=fsync')
  await session.close()
  expect(await digestOf(raw(path).path)).toBe(before)
})

test('a program that was left running on the mount ends with the session', async () => {
  const path = await fileSystem('a.raw', 'mkfs.ext4', '-q', '-F')
  const session = await driver.open(requestOf(path), bed.context)
  const ids = await sessionIds(bed)
  await mounted(session)
  await run(
    session,
    'sh',
    '-c',
    'cd /mnt/guest; setsid sh -c "exec >open; sleep 1000" </dev/null >/dev/null 2>&1 & until [ -e open ]; do sleep 0.05; done',
  )
  await session.close()
  expect(await residueOf(bed, ids)).toEqual([])
  expect(await isFree(raw(path))).toBe(true)
})

test('residue that cannot be freed is in quarantine, others go on, and reclaim frees it once it can', async () => {
  const path = await fileSystem('a.raw', 'mkfs.ext4', '-q', '-F')
  // It waits in vain, for each of several things.
  const session = await driver.open(requestOf(path), contextIn(bed.directory, { ...trusted, releaseTimeoutMs: 3_000 }))
  const ids = await sessionIds(bed)
  await mounted(session)
  await run(session, 'touch', '/mnt/guest/file')
  // Somebody outside got hold of a file of the guest: through a process of the session, as root can.
  const holder = (await readdir('/proc')).filter((pid) => /^\d+$/.test(pid)).find((pid) => isHolder(pid, ids))
  const outsider = spawn('sleep', ['1000'], { cwd: `/proc/${holder}/root/mnt/guest` })
  children.push(outsider)
  await once(outsider, 'spawn')
  expect(await codeOf(session.close())).toBe('CLEANUP_RESIDUE')
  expect(await isFree(raw(path))).toBe(true)
  const left = (await listLeases(bed.leaseDirectory)).filter(({ state }) => state === 'quarantined')
  expect(left.map(({ record }) => record?.lease.kind)).toContain('loop-device')
  // Reclaim says so and does not hang; another image is opened meanwhile.
  expect((await reclaim(bed.leaseDirectory)).map(({ code }) => code)).toContain('LEASE_NOT_FREED')
  await (await driver.open(requestOf(await image('b.raw')), bed.context)).close()
  outsider.kill('SIGKILL')
  await once(outsider, 'exit')
  const codes = (await reclaim(bed.leaseDirectory)).map(({ code }) => code)
  expect(new Set(codes)).toEqual(new Set(['LEASE_FREED']))
  expect(await residueOf(bed, ids)).toEqual([])
})

function isHolder(pid: string, ids: readonly string[]): boolean {
  try {
    const line = execFileSync('cat', [`/proc/${pid}/cmdline`], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    return line.startsWith('unshare') && ids.some((id) => line.includes(id))
  } catch {
    return false
  }
}

test('a device that was made read-only for a while is writable for the next session', async () => {
  const path = await image('a.raw')
  for (let round = 0; round < 3; round += 1) {
    await using session = await driver.open(requestOf(path), bed.context)
    const { device } = session.disks[0]
    expect(await run(session, 'blockdev', '--getro', device)).toBe('0\n')
    await run(session, 'blockdev', '--setro', device)
  }
})

test('reclaim leaves alone what is in no lease of ours, and what a running process holds', async () => {
  const foreign = await image('foreign.raw', 4)
  const loop = execFileSync('losetup', ['--find', '--show', foreign], { encoding: 'utf8' }).trim()
  try {
    await using session = await driver.open(requestOf(await image('a.raw')), bed.context)
    expect(await reclaim(bed.leaseDirectory)).toEqual([])
    expect(await run(session, 'blockdev', '--getsize64', session.disks[0].device)).toBe(`${64 * mebibyte}\n`)
    // A lease whose owner is gone, of a device that is somebody else's by now.
    await bed.context.leases.record({ kind: 'loop-device', details: { backingName: 'foreign' } }).then((held) => held.quarantine?.('test'))
    expect((await reclaim(bed.leaseDirectory)).map(({ code }) => code)).toEqual(['LEASE_FREED'])
    expect(execFileSync('losetup', ['--noheadings', '--output', 'BACK-FILE', loop], { encoding: 'utf8' }).trim()).toBe(foreign)
  } finally {
    execFileSync('losetup', ['--detach', loop])
  }
})

/** The children of a process that are nsenter. */
async function entrantsOf(owner: number): Promise<number[]> {
  const pids = (await readFile(`/proc/${owner}/task/${owner}/children`, 'utf8')).trim().split(' ').filter(Boolean).map(Number)
  const names = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')))
  return pids.filter((_, index) => names[index]?.startsWith('nsenter'))
}

/** It may have ended since somebody looked. */
function stopIfRunning(pid: number): void {
  try {
    process.kill(pid, 'SIGSTOP')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

test('kill -9 at any moment: reclaim leaves nothing, the image is free and sound, the next session works', {
  timeout: 180_000,
}, async () => {
  const path = await fileSystem('a.raw', 'mkfs.ext4', '-q', '-F')
  const program = join(import.meta.dirname, 'session-owner.test-support.ts')
  for (let round = 0; round < 8; round += 1) {
    const owner = spawn(process.execPath, ['--conditions=@host-deployer/source', program, bed.directory, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(owner)
    await once(owner.stdout, 'data')
    // Several rounds of open, work and close; the moments are anywhere in them.
    const momentMs = 20 + Math.random() * 1500
    await new Promise((resolve) => setTimeout(resolve, momentMs))
    const ids = await sessionIds(bed)
    // As if it were about to end a program: those it waits by are stopped.
    if (round % 4 === 3) for (const pid of await entrantsOf(owner.pid ?? 0)) stopIfRunning(pid)
    owner.kill('SIGKILL')
    await once(owner, 'exit')
    ids.push(...(await sessionIds(bed)))
    const findings = await reclaim(bed.leaseDirectory)
    expect(
      findings.filter(({ code }) => code !== 'LEASE_FREED'),
      `killed after ${momentMs} ms`,
    ).toEqual([])
    expect(await residueOf(bed, ids), `killed after ${momentMs} ms`).toEqual([])
    expect(await isFree(raw(path))).toBe(true)
    // At most a journal to replay (1), nothing beyond repair (4).
    expect(spawnSync('e2fsck', ['-p', path]).status).toBeLessThan(4)
  }
  const session = await driver.open(requestOf(path), bed.context)
  await mounted(session)
  await session.close()
})
