// Runs in the machine, as one bundled file: tries what can go wrong with the kernel's nbd, and says what came of it. Judges nothing.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, open, readdir, readFile, rename } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { scanStorage } from '@host-deployer/block'
import { argumentsOf, becomesTrue, listLeases, reclaim } from '@host-deployer/driver-kit'
import { type ConformanceReport, digestOf } from '@host-deployer/driver-testkit'
import { driver } from '../../../packages/driver-nbd/src/driver.ts'
import { contextIn, requestOf, run, sessionIds } from '../../../packages/driver-nbd/src/session.test-support.ts'
import { volumes } from './active-volumes.ts'
import { arrays } from './guest-arrays.ts'
import { bed, codeOf, ext4, freeImage, host, image, openImage, options, removeModule, residue } from './machine-bed.ts'
import { nodeWords, reclaimCodes } from './machine-process.ts'
import type { MachineOrders, MachineReport, MachineResults, Numbers } from './machine-report.ts'
import { clients } from './nbd-clients.ts'
import { strangers } from './stranger-devices.ts'

const [, , payload = '', reportDevice = ''] = process.argv
let report: MachineReport = {}

const codesOf = async (): Promise<string[]> => [...new Set((await reclaim(bed.leaseDirectory)).map(({ code }) => code))]

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
  const probe = (...prefix: readonly string[]): boolean => {
    const [file = '', ...words] = [...prefix, process.execPath, join(payload, 'session-process.mjs'), bed.directory]
    return JSON.parse(host(file, ...words, JSON.stringify(options), 'probe')) as boolean
  }
  const loadable = [probe(), probe('setpriv', '--bounding-set=-sys_module')] as const
  const tools = ['/usr/sbin/modprobe', '/usr/sbin/lvm']
  for (const tool of tools) await rename(tool, `${tool}.away`)
  const { findings } = await driver.probe(contextIn(bed.directory, options))
  for (const tool of tools) await rename(`${tool}.away`, tool)
  const packages = findings.flatMap(({ ok, debianPackage }) => (ok || debianPackage === undefined ? [] : [debianPackage]))
  host('mount', '-t', 'tmpfs', 'none', '/lib/modules')
  const kernel = (await attempt('kernel')).code
  const automatic = (await attempt('auto')).diagnostics
  host('umount', '/lib/modules')
  host('modprobe', 'nbd', 'max_part=0')
  const withoutPartitions = (await attempt('kernel')).code
  await removeModule()
  return { loadable, packages, kernel, automatic, withoutPartitions }
}

async function kit({ groups, rounds }: MachineOrders): Promise<MachineResults['kit']> {
  const words = ['--json', '--rounds', String(rounds), '--options', JSON.stringify({ trustImages: true, attach: 'kernel' })]
  const seeing = (numbers: Numbers): ConformanceReport => {
    const chosen = groups[numbers].flatMap((group) => ['--group', group])
    const [file, ...rest] = nodeWords(numbers, join(payload, 'kit.mjs'), join(payload, 'driver.mjs'), ...words, ...chosen)
    const { stdout } = spawnSync(file, rest, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
    return JSON.parse(stdout) as ConformanceReport
  }
  return { machine: seeing('machine'), own: seeing('own') }
}

async function kills(orders: MachineOrders): Promise<MachineResults['kills']> {
  const path = await ext4('killed.raw')
  const found: MachineResults['kills'][number][] = []
  for (const { numbers, momentMs } of orders.kills) {
    const [file, ...words] = nodeWords(numbers, join(payload, 'owner.mjs'), bed.directory, path, JSON.stringify(options))
    const owner = spawn(file, words, { stdio: ['ignore', 'pipe', 'inherit'] })
    const [word] = await Promise.race([once(owner.stdout, 'data'), once(owner, 'exit')])
    if (!Buffer.isBuffer(word)) throw new Error(`the owner of a session ended: ${word}`)
    await new Promise((resolve) => setTimeout(resolve, momentMs))
    const ids = await sessionIds(bed)
    owner.kill('SIGKILL')
    await once(owner, 'exit')
    ids.push(...(await sessionIds(bed)))
    const codes = [...new Set((await reclaimCodes(numbers, [bed.directory])).flat())]
    found.push({
      numbers,
      momentMs,
      codes,
      residue: await residue(ids),
      free: await freeImage(path),
      fsckExitCode: spawnSync('e2fsck', ['-p', path]).status ?? -1,
    })
  }
  return found
}

async function readOnlyFlag(): Promise<MachineResults['readOnlyFlag']> {
  await removeModule()
  host('modprobe', 'nbd', 'max_part=16', 'nbds_max=1')
  const path = await image('flag.raw')
  const devices: string[] = []
  let flag = ''
  for (let round = 0; round < 2; round += 1) {
    await using session = await openImage(path)
    const { device } = session.disks[0]
    devices.push(device)
    flag = (await run(session, 'blockdev', '--getro', device)).trim()
    await run(session, 'blockdev', '--setro', device)
  }
  const left = await residue([])
  await removeModule()
  return { devices, flag, residue: left }
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

async function lostServer(): Promise<MachineResults['lostServer']> {
  const path = await image('lost-server.raw')
  const session = await openImage(path)
  const ids = await sessionIds(bed)
  const read = `while dd if=${session.disks[0].device} of=/dev/null bs=1M iflag=direct status=none; do :; done`
  const reading = session.toolHost.exec(['sh', '-c', read]).then(
    () => true,
    () => true,
  )
  const readsOf = async (): Promise<number> => {
    // The first field; see the kernel's Documentation/block/stat.rst.
    const [reads] = (await readFile(`/sys/block/${basename(session.disks[0].device)}/stat`, 'utf8')).trim().split(/\s+/)
    return Number(reads)
  }
  const before = await readsOf()
  if (!(await becomesTrue(async () => (await readsOf()) > before + 100, 20_000))) throw new Error('nobody reads')
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)) {
    const [program = '', ...words] = await argumentsOf(pid)
    if (program.endsWith('qemu-nbd') && words.some((word) => ids.some((id) => word.includes(id)))) process.kill(pid, 'SIGKILL')
  }
  const late = new Promise<boolean>((resolve) => setTimeout(resolve, 20_000, false).unref())
  const readingEnds = await Promise.race([reading, late])
  const close = await codeOf(session.close())
  return { readingEnds, close, free: await freeImage(path), residue: await residue(ids) }
}

async function groups(): Promise<MachineResults['groups']> {
  const [guest, ofHost] = [await image('guest.raw'), await image('host.raw')]
  const ids: string[] = []
  const scan = async (path = guest): Promise<{ code: string; found: string[] }> => {
    await using session = await openImage(path)
    ids.push(...(await sessionIds(bed)))
    const found: string[] = []
    const code = await codeOf(
      scanStorage(session.toolHost, session.disks, session.capabilities).then(({ logicalVolumes, filesystems }) => {
        found.push(...logicalVolumes.map(({ device }) => String(device)), ...filesystems.map(({ type }) => type))
      }),
    )
    return { code, found }
  }
  const makeGroup = async (path: string, name: string, ...identity: readonly string[]): Promise<void> => {
    await using session = await openImage(path)
    const { device } = session.disks[0]
    await run(session, 'vgcreate', '-q', ...identity, name, device)
    await run(session, 'lvcreate', '-q', '-y', ...identity, '-n', 'root', '-L', '16M', name)
    await run(session, 'mkfs.ext4', '-q', `/dev/${name}/root`)
  }
  await makeGroup(guest, 'vg0')
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
  const ofOther = await image('other-machine.raw')
  await makeGroup(ofOther, 'vg2', '--config', 'global/system_id_source="lvmlocal" local/system_id="guest.1"')
  const ofOtherMachine = await scan(ofOther)
  return { sameName, sameUuid, untouched, alone, ofOtherMachine, residue: await residue(ids) }
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
await step('readOnlyFlag', readOnlyFlag)
await step('parallel', parallel)
await step('strangers', strangers)
await step('volumes', volumes)
await step('groups', groups)
await step('arrays', arrays)
await step('heldFile', heldFile)
await step('lostServer', lostServer)
await step('clients', clients)
await step('kills', () => kills(orders))
await step('kit', () => kit(orders))
process.exit()
