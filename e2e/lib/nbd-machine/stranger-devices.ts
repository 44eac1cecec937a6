import { spawn, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { open, readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { becomesTrue, currentBootId } from '@host-deployer/driver-kit'
import { contextIn } from '../../../packages/driver-nbd/src/session.test-support.ts'
import { bed, host, image, options, residue } from './machine-bed.ts'
import { reclaimCodes } from './machine-process.ts'
import type { MachineResults, Numbers } from './machine-report.ts'

type Found = MachineResults['strangers']['found'][number]

async function attachByNetlink(socket: string, path: string, device: string): Promise<void> {
  const shared = ['--persistent', '--fork', '--format=raw', '--export-name=default'] as const
  host('qemu-nbd', ...shared, `--socket=${socket}`, `--pid-file=${socket}.pid`, path)
  host('nbd-client', '-unix', socket, '-N', 'default', device)
}

const endServer = async (socket: string): Promise<void> => void process.kill(Number(await readFile(`${socket}.pid`, 'utf8')), 'SIGKILL')

const numberOf = async (device: string): Promise<number> => Number(await readFile(`/sys/block/${basename(device)}/pid`, 'utf8'))

/** A lease on a device, as of a session whose owner was killed. */
async function lease(device: string, marker: string, attachedBy?: number, through?: string): Promise<string> {
  const directory = join(bed.directory, randomUUID())
  const known = { ...(attachedBy !== undefined && { attachedBy }), ...(through === 'netlink' && { through }) }
  const details = { device, marker, bootId: await currentBootId(), ...known }
  const held = await contextIn(directory, options).leases.record({ kind: 'nbd-device', details })
  await held.quarantine?.('its owner was killed')
  return directory
}

/** Attaches a device through netlink, kills what serves it while somebody reads from it, and has it reclaimed. */
async function unserved(path: string): Promise<MachineResults['strangers']['unserved']> {
  const found: MachineResults['strangers']['unserved'][number][] = []
  const device = '/dev/nbd13'
  const socket = join(bed.directory, 'unserved.sock')
  await attachByNetlink(socket, path, device)
  const directory = await lease(device, '/of/ours', await numberOf(device), 'netlink')
  const reader = spawn('dd', [`if=${device}`, 'of=/dev/null', 'bs=1M', 'iflag=direct', 'status=none'], { stdio: 'ignore' })
  await once(reader, 'spawn')
  await endServer(socket)
  for (const numbers of ['own', 'machine'] as const) {
    const [codes = []] = await reclaimCodes(numbers, [directory])
    const detached = await becomesTrue(async () => !(await residue([])).some((line) => line.startsWith('nbd13 ')), 1_000)
    found.push({ numbers, codes, detached })
  }
  if (reader.exitCode === null) await once(reader, 'exit')
  await rm(directory, { recursive: true })
  return found
}

/** Attaches devices as somebody else would, and has them reclaimed by leases that name them. */
export async function strangers(): Promise<MachineResults['strangers']> {
  const text = "a stranger's"
  const make = async (name: string): Promise<string> => {
    const path = await image(name)
    await using file = await open(path, 'r+')
    await file.write(text)
    return path
  }
  const devices = { netlink: '/dev/nbd14', 'qemu-nbd': '/dev/nbd15' } as const
  const socket = join(bed.directory, 'stranger.sock')
  await attachByNetlink(socket, await make('by-netlink.raw'), devices.netlink)
  host('qemu-nbd', '--fork', '--format=raw', `--socket=${socket}.2`, `--connect=${devices['qemu-nbd']}`, await make('by-qemu-nbd.raw'))
  const serves = (device: string): boolean => {
    const { status, stdout } = spawnSync('dd', [`if=${device}`, 'bs=4096', 'count=1', 'iflag=direct', 'status=none'])
    return status === 0 && stdout.toString().startsWith(text)
  }
  for (const device of Object.values(devices)) {
    if (!(await becomesTrue(async () => serves(device), 10_000))) throw new Error(`${device} does not serve its owner`)
  }
  const cases: Omit<Found, 'codes' | 'serves'>[] = []
  const directories: string[] = []
  for (const attachedBy of ['netlink', 'qemu-nbd'] as const) {
    const device = devices[attachedBy]
    const now = await numberOf(device)
    const memories = [
      ['none', 'ioctl'],
      ['other', 'ioctl'],
      ['same', 'ioctl'],
      ['other', 'netlink'],
      ['same', 'netlink'],
    ] as const
    for (const [recorded, through] of memories) {
      for (const numbers of ['machine', 'own'] as const) {
        cases.push({ attachedBy, recorded, through, numbers })
        directories.push(await lease(device, '--socket=/of/ours', { none: undefined, other: now + 1, same: now }[recorded], through))
      }
    }
  }
  // At once: some wait whether the device will go. Each has a journal of its own.
  const ofNumbers = (numbers: Numbers) => directories.filter((_, index) => cases[index]?.numbers === numbers)
  const [machine, own] = await Promise.all((['machine', 'own'] as const).map((numbers) => reclaimCodes(numbers, ofNumbers(numbers))))
  const left = { machine: machine ?? [], own: own ?? [] }
  const found = cases.map(({ attachedBy, recorded, through, numbers }) => ({
    ...{ attachedBy, recorded, through, numbers, codes: left[numbers].shift() ?? [] },
    serves: serves(devices[attachedBy]),
  }))
  const markedOurs = await lease(devices['qemu-nbd'], `--socket=${socket}.2`)
  const [ofOurProgram = []] = await reclaimCodes('machine', [markedOurs])
  for (const directory of [...directories, markedOurs]) await rm(directory, { recursive: true })
  host('nbd-client', '-d', devices.netlink)
  await endServer(socket)
  const gone = await unserved(await make('unserved.raw'))
  if (!(await becomesTrue(async () => (await residue([])).length === 0, 10_000))) throw new Error('the devices of strangers stay')
  return { found, ofOurProgram, unserved: gone }
}
