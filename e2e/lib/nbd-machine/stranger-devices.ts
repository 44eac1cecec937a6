import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { open, readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { becomesTrue, currentBootId } from '@host-deployer/driver-kit'
import { contextIn } from '../../../packages/driver-nbd/src/session.test-support.ts'
import { bed, host, image, options, residue } from './machine-bed.ts'
import { reclaimCodes } from './machine-process.ts'
import type { MachineResults, Numbers } from './machine-report.ts'

type Found = MachineResults['strangers']['found'][number]

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
  const shared = ['--persistent', '--fork', '--format=raw', '--export-name=default'] as const
  host('qemu-nbd', ...shared, `--socket=${socket}`, `--pid-file=${socket}.pid`, await make('by-netlink.raw'))
  host('nbd-client', '-unix', socket, '-N', 'default', devices.netlink)
  host('qemu-nbd', '--fork', '--format=raw', `--socket=${socket}.2`, `--connect=${devices['qemu-nbd']}`, await make('by-qemu-nbd.raw'))
  const serves = (device: string): boolean => {
    const { status, stdout } = spawnSync('dd', [`if=${device}`, 'bs=4096', 'count=1', 'iflag=direct', 'status=none'])
    return status === 0 && stdout.toString().startsWith(text)
  }
  for (const device of Object.values(devices)) {
    if (!(await becomesTrue(async () => serves(device), 10_000))) throw new Error(`${device} does not serve its owner`)
  }
  /** A lease on a device, as of a session whose owner was killed. */
  const lease = async (device: string, marker: string, attachedBy?: number): Promise<string> => {
    const directory = join(bed.directory, randomUUID())
    const details = { device, marker, bootId: await currentBootId(), ...(attachedBy !== undefined && { attachedBy }) }
    const held = await contextIn(directory, options).leases.record({ kind: 'nbd-device', details })
    await held.quarantine?.('its owner was killed')
    return directory
  }
  const cases: Omit<Found, 'codes' | 'serves'>[] = []
  const directories: string[] = []
  for (const attachedBy of ['netlink', 'qemu-nbd'] as const) {
    const device = devices[attachedBy]
    const now = Number(await readFile(`/sys/block/${basename(device)}/pid`, 'utf8'))
    for (const recorded of ['none', 'other', 'same'] as const) {
      for (const numbers of ['machine', 'own'] as const) {
        cases.push({ attachedBy, recorded, numbers })
        directories.push(await lease(device, '--socket=/of/ours', { none: undefined, other: now + 1, same: now }[recorded]))
      }
    }
  }
  // At once: some wait whether the device will go. Each has a journal of its own.
  const ofNumbers = (numbers: Numbers) => directories.filter((_, index) => cases[index]?.numbers === numbers)
  const [machine, own] = await Promise.all((['machine', 'own'] as const).map((numbers) => reclaimCodes(numbers, ofNumbers(numbers))))
  const left = { machine: machine ?? [], own: own ?? [] }
  const found = cases.map(({ attachedBy, recorded, numbers }) => ({
    ...{ attachedBy, recorded, numbers, codes: left[numbers].shift() ?? [] },
    serves: serves(devices[attachedBy]),
  }))
  const markedOurs = await lease(devices['qemu-nbd'], `--socket=${socket}.2`)
  const [ofOurProgram = []] = await reclaimCodes('machine', [markedOurs])
  for (const directory of [...directories, markedOurs]) await rm(directory, { recursive: true })
  host('nbd-client', '-d', devices.netlink)
  process.kill(Number(await readFile(`${socket}.pid`, 'utf8')))
  if (!(await becomesTrue(async () => (await residue([])).length === 0, 10_000))) throw new Error('the devices of strangers stay')
  return { found, ofOurProgram }
}
