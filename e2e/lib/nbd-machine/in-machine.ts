// Runs in the machine, as one bundled file: tries what can go wrong with the kernel's nbd, and says what came of it. Judges nothing.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, open, readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { scanStorage } from '@host-deployer/block'
import { DeployError, type DriverSession } from '@host-deployer/driver-api'
import { argumentsOf, becomesTrue, listLeases, reclaim } from '@host-deployer/driver-kit'
import { digestOf, isFree } from '@host-deployer/driver-testkit'
import { driver } from '../../../packages/driver-nbd/src/driver.ts'
import { contextIn, createBed, requestOf, residueOf, run, sessionIds } from '../../../packages/driver-nbd/src/session.test-support.ts'
import type { MachineOrders, MachineReport, MachineResults } from './machine-report.ts'

const [, , payload = '', reportDevice = ''] = process.argv
const MiB = 2 ** 20
const options = { trustImages: true, attach: 'kernel', releaseTimeoutMs: 4_000 } as const
const bed = await createBed(options)
let report: MachineReport = {}

const host = (program: string, ...words: readonly string[]): string => execFileSync(program, words, { encoding: 'utf8' }).trim()
const codeOf = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => 'none',
    (error: unknown) => (DeployError.isInstance(error) ? error.code : String(error)),
  )
const codesOf = async (): Promise<string[]> => [...new Set((await reclaim(bed.leaseDirectory)).map(({ code }) => code))]
const openImage = (path: string): Promise<DriverSession> => driver.open(requestOf(path), bed.context)
const freeImage = (path: string): Promise<boolean> => isFree({ path: requestOf(path).disks[0].chain[0].path, format: 'raw' })

async function image(name: string): Promise<string> {
  const path = join(bed.directory, name)
  await writeFile(path, '')
  await truncate(path, 64 * MiB)
  return path
}

async function ext4(name: string): Promise<string> {
  const path = await image(name)
  host('mkfs.ext4', '-q', '-F', path)
  return path
}

/** Nobody else works on this machine: whatever is attached, mapped or looped is left over. */
async function residue(ids: readonly string[]): Promise<string[]> {
  const devices = (await readdir('/sys/block')).filter((name) => name.startsWith('nbd'))
  const attached = await Promise.all(
    devices.map(async (name) => {
      const pid = await readFile(`/sys/block/${name}/pid`, 'utf8').catch(() => '')
      const size = await readFile(`/sys/block/${name}/size`, 'utf8')
      return pid === '' && size.trim() === '0' ? [] : [`${name} ${pid.trim()} ${size.trim()}`]
    }),
  )
  const mapped = host('dmsetup', 'ls')
  const loops = host('losetup', '--noheadings', '--list', '--output', 'NAME,BACK-FILE')
  return [
    ...attached.flat(),
    ...(mapped.startsWith('No devices') ? [] : mapped.split('\n')),
    ...loops.split('\n').filter(Boolean),
    ...(await residueOf(bed, ids)),
  ]
}

/** Before anything has loaded the module. */
async function missing(): Promise<MachineResults['missing']> {
  const path = await image('missing.raw')
  const attempt = async (attach: string): Promise<{ code: string; diagnostics: string[] }> => {
    const diagnostics: string[] = []
    const code = await codeOf(
      driver.open(requestOf(path), contextIn(bed.directory, { ...options, attach })).then((session) => {
        diagnostics.push(...session.diagnostics.map((diagnostic) => diagnostic.code))
        return session.close()
      }),
    )
    return { code, diagnostics: code === 'none' ? diagnostics : [code] }
  }
  host('mount', '-t', 'tmpfs', 'none', '/lib/modules')
  const kernel = (await attempt('kernel')).code
  const automatic = (await attempt('auto')).diagnostics
  host('umount', '/lib/modules')
  host('modprobe', 'nbd', 'max_part=0')
  const withoutPartitions = (await attempt('kernel')).code
  // udev looks at the new devices for a moment.
  const removed = await becomesTrue(async () => spawnSync('modprobe', ['--remove', 'nbd'], { stdio: 'ignore' }).status === 0, 15_000)
  if (!removed) throw new Error('the module nbd cannot be removed')
  return { kernel, automatic, withoutPartitions }
}

async function kit({ groups, rounds }: MachineOrders): Promise<MachineResults['kit']> {
  const words = ['--json', '--rounds', String(rounds), '--options', JSON.stringify({ trustImages: true, attach: 'kernel' })]
  const { stdout } = spawnSync(
    process.execPath,
    [join(payload, 'kit.mjs'), join(payload, 'driver.mjs'), ...words, ...groups.flatMap((group) => ['--group', group])],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
  )
  return JSON.parse(stdout) as MachineResults['kit']
}

async function kills({ killMomentsMs }: MachineOrders): Promise<MachineResults['kills']> {
  const path = await ext4('killed.raw')
  const found: MachineResults['kills'][number][] = []
  for (const momentMs of killMomentsMs) {
    const owner = spawn(process.execPath, [join(payload, 'owner.mjs'), bed.directory, path, JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [word] = await Promise.race([once(owner.stdout, 'data'), once(owner, 'exit')])
    if (!Buffer.isBuffer(word)) throw new Error(`the owner of a session ended: ${word}`)
    await new Promise((resolve) => setTimeout(resolve, momentMs))
    const ids = await sessionIds(bed)
    owner.kill('SIGKILL')
    await once(owner, 'exit')
    ids.push(...(await sessionIds(bed)))
    const codes = await codesOf()
    found.push({
      momentMs,
      codes,
      residue: await residue(ids),
      free: await freeImage(path),
      fsckExitCode: spawnSync('e2fsck', ['-p', path]).status ?? -1,
    })
  }
  return found
}

/** The process whose root is the session's. */
async function holderOf(ids: readonly string[]): Promise<number> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)) {
    const words = await argumentsOf(pid)
    if (words[0] === 'unshare' && words.some((word) => ids.some((id) => word.includes(id)))) return pid
  }
  throw new Error('no process has the namespaces of the session')
}

async function keepOpen(path: string): Promise<ChildProcess> {
  await using file = await open(path)
  const child = spawn('sleep', ['1000'], { stdio: [file.fd, 'ignore', 'ignore'] })
  await once(child, 'spawn')
  return child
}

async function heldFile(): Promise<MachineResults['heldFile']> {
  const path = await ext4('held.raw')
  const session = await openImage(path)
  const ids = await sessionIds(bed)
  await run(session, 'mkdir', '-p', '/mnt/guest')
  await run(session, 'mount', '-o', 'nodev,nosuid,noexec', session.disks[0].device, '/mnt/guest')
  await run(session, 'touch', '/mnt/guest/file')
  const outsider = await keepOpen(`/proc/${await holderOf(ids)}/root/mnt/guest/file`)
  const close = await codeOf(session.close())
  const free = await freeImage(path)
  const quarantined = (await listLeases(bed.leaseDirectory)).filter(({ state }) => state === 'quarantined')
  const meanwhile = await codesOf()
  const other = await codeOf(image('other.raw').then(async (second) => (await openImage(second)).close()))
  outsider.kill('SIGKILL')
  await once(outsider, 'exit')
  const after = await codesOf()
  const kinds = quarantined.map(({ record }) => record?.lease.kind ?? 'unreadable')
  return { close, quarantined: kinds, free, meanwhile, other, after, residue: await residue(ids) }
}

async function groups(): Promise<MachineResults['groups']> {
  const [guest, ofHost] = [await image('guest.raw'), await image('host.raw')]
  const ids: string[] = []
  const scan = async (): Promise<{ code: string; found: string[] }> => {
    await using session = await openImage(guest)
    ids.push(...(await sessionIds(bed)))
    const found: string[] = []
    const code = await codeOf(
      scanStorage(session.toolHost, session.disks, session.capabilities).then(({ logicalVolumes, filesystems }) => {
        found.push(...logicalVolumes.map(({ device }) => String(device)), ...filesystems.map(({ type }) => type))
      }),
    )
    return { code, found }
  }
  {
    await using session = await openImage(guest)
    const { device } = session.disks[0]
    await run(session, 'vgcreate', '-q', 'vg0', device)
    await run(session, 'lvcreate', '-q', '-y', '-n', 'root', '-L', '16M', 'vg0')
    await run(session, 'mkfs.ext4', '-q', '/dev/vg0/root')
  }
  const before = await digestOf(requestOf(guest).disks[0].chain[0].path)
  const asHost = async (prepare: (loop: string) => void): Promise<string> => {
    const loop = host('losetup', '--find', '--show', ofHost)
    prepare(loop)
    const { code } = await scan()
    host('vgchange', '-q', '-a', 'n', 'vg0')
    host('losetup', '--detach', loop)
    return code
  }
  const sameName = await asHost((loop) => {
    host('vgcreate', '-q', 'vg0', loop)
    host('lvcreate', '-q', '-y', '-n', 'root', '-L', '8M', 'vg0')
  })
  await copyFile(guest, ofHost)
  const sameUuid = await asHost(() => host('vgchange', '-q', '-a', 'y', 'vg0'))
  const untouched = (await digestOf(requestOf(guest).disks[0].chain[0].path)) === before
  const alone = (await scan()).found
  return { sameName, sameUuid, untouched, alone, residue: await residue(ids) }
}

async function parallel(): Promise<MachineResults['parallel']> {
  const paths = await Promise.all(Array.from({ length: 8 }, (_, index) => image(`parallel-${index}.raw`)))
  const sessions = await Promise.all(paths.map(openImage))
  const ids = await sessionIds(bed)
  await Promise.all(
    sessions.map((session, index) =>
      run(session, 'sh', '-c', `printf ${index} | dd of=${session.disks[0].device} conv=notrunc,fsync status=none`),
    ),
  )
  await Promise.all(sessions.map((session) => session.close()))
  const contents = paths.map((path) => host('head', '-c', '1', path))
  return { devices: sessions.map(({ disks: [disk] }) => String(disk.device)), contents, residue: await residue(ids) }
}

/** The text as far as it goes, then a zero: the device has no end of its own. */
async function writeReport(): Promise<void> {
  await using device = await open(reportDevice, 'r+')
  await device.write(`${JSON.stringify(report)}\0`)
  await device.sync()
}

async function step<Name extends keyof MachineResults>(name: Name, action: () => Promise<MachineResults[Name]>): Promise<void> {
  process.stdout.write(`== ${name}\n`)
  const startedAt = performance.now()
  const outcome = await action().then(
    (result) => ({ result }),
    (error: unknown) => ({ failure: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  )
  const durationMs = Math.round(performance.now() - startedAt)
  process.stdout.write(`== ${name} took ${durationMs} ms\n`)
  report = { ...report, [name]: { durationMs, ...outcome } }
  await writeReport()
}

const orders = JSON.parse(await readFile(join(payload, 'orders.json'), 'utf8')) as MachineOrders
await step('missing', missing)
await step('parallel', parallel)
await step('groups', groups)
await step('heldFile', heldFile)
await step('kills', () => kills(orders))
await step('kit', () => kit(orders))
process.exit()
