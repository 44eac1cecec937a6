// What is this driver's own: users, descriptors, locks, accelerators, a VM that dies. The conformance suite has the rest.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, cp, mkdir, mkdtemp, open, readdir, readFile, readlink, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DiskAccess, type DiskRequest, type DriverSession, hostPath, type ImageFile } from '@host-deployer/driver-api'
import { createLocalToolHost, identifyProcess, reclaim } from '@host-deployer/driver-kit'
import { createQcow2Image, createRawImage, isFree, listTree, processesHolding } from '@host-deployer/driver-testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { applianceUnderTest } from './appliance.test-support.ts'
import { driver } from './driver.ts'
import { contextOf, type SessionUnderTest } from './session.test-support.ts'

const MIB = 1024 * 1024
const isRoot = process.getuid?.() === 0
const host = createLocalToolHost()
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
let directory = ''
let options: Record<string, unknown> = {}
let paths = { workDirectory: '', leaseDirectory: '' }

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'driver-qemu-'))
  // Others may look in: one test is an ordinary user.
  await chmod(directory, 0o755)
  await cp(applianceUnderTest, join(directory, 'appliance'), { recursive: true })
  options = { appliance: join(directory, 'appliance'), accel: 'tcg' }
  paths = { workDirectory: join(directory, 'work'), leaseDirectory: join(directory, 'leases') }
  await mkdir(paths.workDirectory, { mode: 0o700 })
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const diskOf = (image: ImageFile, access: DiskAccess = 'read-write', id = 'disk'): DiskRequest => ({ id, access, chain: [image] })
const openImage = (image: ImageFile, changes: Record<string, unknown> = {}, access: DiskAccess = 'read-write'): Promise<DriverSession> =>
  driver.open({ disks: [diskOf(image, access)] }, contextOf({ ...paths, options: { ...options, ...changes } }))

/** Process ids of the children of `parent` that run QEMU. */
async function qemusOf(parent: number | undefined): Promise<number[]> {
  const found: number[] = []
  for (const name of (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
    const status = await readFile(`/proc/${name}/status`, 'utf8').catch(() => '')
    if (status.includes(`\nPPid:\t${parent}\n`) && /^Name:\tqemu-system/.test(status) && !status.includes('\nState:\tZ'))
      found.push(Number(name))
  }
  return found
}

async function expectNothingLeft(): Promise<void> {
  expect(await qemusOf(process.pid)).toEqual([])
  expect(await processesHolding(directory)).toEqual([])
  expect(await listTree(paths.workDirectory)).toEqual([])
  expect(await listTree(paths.leaseDirectory)).toEqual([])
}

const codeOf = (action: Promise<unknown>): Promise<unknown> =>
  action.then(
    () => 'none',
    (error: { code?: unknown }) => error.code ?? error,
  )

describe('two sessions at once', () => {
  let sessions: DriverSession[] = []
  let images: ImageFile[] = []
  beforeAll(async () => {
    images = [await createRawImage(directory, 'one', 16 * MIB), await createQcow2Image(directory, 'two', 32 * MIB)]
    // Of nobody but us, who may be root.
    for (const { path } of images) await chmod(path, 0o600)
    sessions = await Promise.all(images.map((image) => openImage(image)))
  })
  afterAll(async () => {
    for (const session of sessions) await session.close().catch(() => {})
  })

  test('each has its own disk and nothing else', async () => {
    const sizes = await Promise.all(
      sessions.map(async ({ toolHost }) =>
        text((await toolHost.exec(['lsblk', '-dbno', 'TYPE,SIZE'])).stdout)
          .trim()
          .split(/\s+/),
      ),
    )
    expect(sizes).toEqual([
      ['disk', String(16 * MIB)],
      ['disk', String(32 * MIB)],
    ])
  })

  test('QEMU is confined, knows no path of ours, and is unprivileged when we are root', async () => {
    const pids = await qemusOf(process.pid)
    expect(pids).toHaveLength(2)
    const uids = new Set<string>()
    for (const pid of pids) {
      const status = await readFile(`/proc/${pid}/status`, 'utf8')
      expect(status).toMatch(/^NoNewPrivs:\t1$/m)
      expect(status).toMatch(/^Seccomp:\t2$/m)
      expect(status).toMatch(/^CapEff:\t0000000000000000$/m)
      uids.add(/^Uid:\t(\d+)/m.exec(status)?.[1] ?? '')
      expect(await readFile(`/proc/${pid}/cmdline`, 'utf8')).not.toContain(directory)
    }
    expect(uids.has('0')).toBe(false)
    expect(uids.size).toBe(isRoot ? 2 : 1)
  })

  test('we hold no image open ourselves, and the session directory has no file with a name', async () => {
    const ours = await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')))
    expect(ours.filter((path) => path.startsWith(`${directory}/`))).toEqual([])
    expect((await listTree(paths.workDirectory)).filter((path) => path.includes('/'))).toEqual([])
  })

  test('an image in use is refused', async () => {
    for (const image of images) expect(await codeOf(openImage(image))).toBe('IMAGE_LOCKED')
  })

  test('a kernel that crashes: every call says so, with the console; nothing is left', async () => {
    const [session] = sessions
    const crash = await session?.toolHost.exec(['sh', '-c', 'echo c >/proc/sysrq-trigger; sleep 100']).catch((error: unknown) => error)
    expect(crash).toMatchObject({ code: 'DRIVER_APPLIANCE_PANIC', diagnostics: [{ code: 'APPLIANCE_CONSOLE' }] })
    expect(await codeOf(session?.toolHost.exec(['true']) ?? Promise.resolve())).toBe('DRIVER_APPLIANCE_PANIC')
    expect(await codeOf(session?.close() ?? Promise.resolve())).toBe('CLEANUP_FLUSH_FAILED')
    expect(await isFree(images[0] as ImageFile)).toBe(true)
  })

  test('a program that takes all memory: APPLIANCE_OUT_OF_MEMORY, and the session goes on', async () => {
    const session = sessions[1] as DriverSession
    expect(await codeOf(session.toolHost.exec(['tail', '/dev/zero']))).toBe('APPLIANCE_OUT_OF_MEMORY')
    expect((await session.toolHost.exec(['true'])).exitCode).toBe(0)
  })

  test('a QEMU that is killed: DRIVER_QEMU_EXITED', async () => {
    const session = sessions[1] as DriverSession
    const pending = session.toolHost.exec(['sleep', '100'])
    for (const pid of await qemusOf(process.pid)) process.kill(pid, 'SIGKILL')
    expect(await codeOf(pending)).toBe('DRIVER_QEMU_EXITED')
    expect(await codeOf(session.close())).toBe('CLEANUP_FLUSH_FAILED')
    await expectNothingLeft()
  })
})

describe('a process of its own', () => {
  const running: ChildProcess[] = []
  afterAll(() => {
    for (const child of running) child.kill('SIGKILL')
  })

  const start = async (input: SessionUnderTest): Promise<{ child: ChildProcess; said: string }> => {
    const script = join(import.meta.dirname, 'session.test-support.ts')
    const argv = ['--conditions=@host-deployer/source', '--disable-warning=ExperimentalWarning', script, JSON.stringify(input)]
    const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit'] })
    running.push(child)
    const [chunk] = (await once(child.stdout, 'data')) as [Buffer]
    return { child, said: chunk.toString().trim() }
  }

  test('killed at once: QEMU ends, the lock is free, and the journal says what to remove', async () => {
    const image = await createRawImage(directory, 'killed', 16 * MIB)
    const { child, said } = await start({ ...paths, image: image.path, format: 'raw', access: 'read-write', options })
    expect(said).toBe('open')
    const [qemu] = await qemusOf(child.pid)
    expect(await isFree(image)).toBe(false)
    child.kill('SIGKILL')
    await once(child, 'exit')
    await expect.poll(() => identifyProcess(qemu ?? 0), { timeout: 60_000 }).toBeUndefined()
    // The main thread is gone first; the lock goes with the last one.
    await expect.poll(() => isFree(image), { timeout: 60_000 }).toBe(true)
    const freed = await reclaim(hostPath(paths.leaseDirectory))
    expect(new Set(freed.map(({ code }) => code))).toEqual(new Set(['LEASE_FREED']))
    await expectNothingLeft()
  })

  test('an ordinary user deploys an image of his own', async () => {
    const uid = isRoot ? 54_321 : (process.getuid?.() ?? 0)
    const own = { workDirectory: join(directory, 'own-work'), leaseDirectory: join(directory, 'own-leases') }
    const image = await createQcow2Image(directory, 'own', 16 * MIB)
    await mkdir(own.workDirectory, { mode: 0o700 })
    await mkdir(own.leaseDirectory, { mode: 0o700 })
    if (isRoot) for (const path of [image.path, own.workDirectory, own.leaseDirectory]) await chown(path, uid, uid)
    const write = 'printf "an ordinary user" | dd of="$1" bs=512 seek=1 conv=fsync'
    const { child, said } = await start({ ...own, image: image.path, format: 'qcow2', access: 'read-write', options, uid, script: write })
    expect(said).toBe('open')
    const [qemu] = await qemusOf(child.pid)
    expect((await stat(`/proc/${qemu}`)).uid).toBe(uid)
    child.stdin?.end()
    await once(child, 'exit')
    const { stdout } = await host.exec(['qemu-io', '-f', 'qcow2', '-r', '-c', 'read -v 512 16', image.path])
    // The dump shows printable characters as they are, a space as a dot.
    expect(text(stdout)).toContain('an.ordinary.user')
    expect(await listTree(own.workDirectory)).toEqual([])
    expect(await listTree(own.leaseDirectory)).toEqual([])
  })
})

test.runIf(isRoot)('a block device, opened by us for a QEMU that could not', async () => {
  const image = await createRawImage(directory, 'behind-a-loop', 16 * MIB)
  const device = text((await host.exec(['losetup', '--find', '--show', image.path])).stdout).trim()
  try {
    const disk = diskOf({ path: hostPath(device), format: 'raw' })
    const session = await driver.open({ disks: [disk] }, contextOf({ ...paths, options }))
    expect(session.disks[0].sizeBytes).toBe(16 * MIB)
    await session.toolHost.exec(['sh', '-c', 'printf "to a device" | dd of="$1" conv=fsync', 'sh', session.disks[0].device])
    await session.close()
    // Scratch on a device: its size has to be found out.
    const thrownAway = await driver.open({ disks: [{ ...disk, access: 'scratch' }] }, contextOf({ ...paths, options }))
    expect(thrownAway.disks[0].sizeBytes).toBe(16 * MIB)
    await thrownAway.toolHost.exec(['sh', '-c', 'printf "thrown away" | dd of="$1" conv=fsync', 'sh', thrownAway.disks[0].device])
    await thrownAway.close()
  } finally {
    await host.exec(['losetup', '--detach', device])
  }
  const handle = await open(image.path)
  const { buffer } = await handle.read(Buffer.alloc(11), 0, 11, 0)
  await handle.close()
  expect(text(buffer)).toBe('to a device')
  await expectNothingLeft()
})

/** The files with what is known of KVM, and which they are: one that is written again is another one. */
async function verdictFiles(): Promise<string[]> {
  const base = join(`${paths.workDirectory}-cache`, 'kvm-verdict')
  const names = await listTree(base).catch(() => [])
  return Promise.all(names.map(async (name) => `${name} ${(await stat(join(base, name), { bigint: true })).ino}`))
}

test('accel auto: KVM when it works, else emulation with a reason; remembered, and told by probe', async () => {
  const image = await createRawImage(directory, 'accelerated', 16 * MIB)
  // The second has a model that some broken KVMs hang with, silently, instead of refusing it, and for which nobody has made a template.
  for (const cpu of [{}, { cpu: 'qemu64', template: 'off' }]) {
    const session = await openImage(image, { ...cpu, accel: 'auto' })
    const { info, diagnostics } = session
    await session.close()
    expect(diagnostics.map(({ code }) => code)).toEqual(info.accelerator === 'kvm' ? [] : ['KVM_UNUSABLE'])
    const verdicts = await verdictFiles()
    const { usable, findings } = await driver.probe(contextOf({ ...paths, options: { ...options, ...cpu, accel: 'auto' } }))
    expect(usable).toBe(true)
    expect(findings.find(({ subject }) => subject === 'kvm')?.ok).toBe(info.accelerator === 'kvm')
    // No second try: what comes of one is written down, in a file of its own.
    expect(await verdictFiles()).toEqual(verdicts)
  }
  await expectNothingLeft()
})

// Where KVM may be used at all it is tried first. The model is one that nobody else has a verdict on.
test.each([
  ['DRIVER_QEMU_EXITED', { machine: 'no-such-machine' }],
  ['TIMEOUT_BOOT', { bootTimeoutMs: 700 }],
])('accel auto: what fails in emulation as well is not held against KVM: %s', async (code, changes) => {
  const image = await createRawImage(directory, 'no-verdict', 16 * MIB)
  const own = { ...changes, accel: 'auto', cpu: 'qemu64,+rdrand,+bmi1' }
  const before = await verdictFiles()
  expect(await codeOf(openImage(image, own))).toBe(code)
  const { findings } = await driver.probe(contextOf({ ...paths, options: { ...options, ...own } }))
  expect(findings.find(({ subject }) => subject === 'kvm')).toMatchObject({ ok: false })
  expect(await verdictFiles()).toEqual(before)
  await expectNothingLeft()
})

describe('refusals and deadlines', () => {
  let image: ImageFile
  beforeAll(async () => {
    image = await createRawImage(directory, 'refused', 16 * MIB)
  })

  describe.each(['auto', 'off'])('template: %s', (template) => {
    test.each([
      ['DRIVER_QEMU_MISSING', { qemu: 'no-such-qemu' }],
      ['APPLIANCE_MISSING', { appliance: '/no/such/appliance' }],
      ['DRIVER_QEMU_EXITED', { machine: 'no-such-machine' }],
      // A model for which no other test has made a template.
      ['TIMEOUT_BOOT', { bootTimeoutMs: 700, cpu: 'qemu64,+rdrand,+aes' }],
      ['APPLIANCE_OUT_OF_MEMORY', { memoryMb: 128 }],
    ])('%s', async (code, changes) => {
      expect(await codeOf(openImage(image, { ...changes, template }))).toBe(code)
      expect(await isFree(image)).toBe(true)
      await expectNothingLeft()
    })
  })

  test('disk ids that are no serial numbers, or given twice', async () => {
    for (const ids of [['UPPER'], [''], ['x'.repeat(21)], ['same', 'same']]) {
      const [first = '', ...rest] = ids
      const disks = [diskOf(image, 'read-only', first), ...rest.map((id) => diskOf(image, 'read-only', id))] as const
      expect(await codeOf(driver.open({ disks }, contextOf({ ...paths, options })))).toBe('INPUT_DISK_ID')
    }
  })

  test('on request the traces of a failed start are kept, and said where', async () => {
    // With so little memory it fails after the disks were attached, however long that takes.
    const context = contextOf({ ...paths, options: { ...options, memoryMb: 128, template: 'off' } }, { keepOnFailure: true })
    const error = await driver.open({ disks: [diskOf(image)] }, context).catch((caught: unknown) => caught)
    const kept = (error as { context: { kept: string } }).context.kept
    expect((await readdir(kept)).sort()).toEqual(['console.log', 'qemu.json', 'qmp.log'])
    expect(await readFile(join(kept, 'qmp.log'), 'utf8')).toContain('blockdev-add')
    await rm(kept, { recursive: true })
    await expectNothingLeft()
  })

  test('probe says what is missing and how to get it, without failing', async () => {
    const { usable, findings } = await driver.probe(
      contextOf({ ...paths, options: { qemu: 'no-such-qemu', appliance: '/no/such/appliance' } }),
    )
    expect(usable).toBe(false)
    for (const subject of ['qemu', 'appliance']) {
      expect(findings.find((finding) => finding.subject === subject)).toMatchObject({ ok: false, remedy: expect.any(String) })
    }
  })
})
