import { open } from 'node:fs/promises'
import type { DriverSession, OpenRequest } from '@host-deployer/driver-api'
import type { Mutant } from './mutant.ts'
import { type Fault, withAccess } from './plant-fault.ts'

const block = (fault: Fault, ...found: readonly string[]): Mutant => ({ fault, groups: ['block'], found })

const onDisks = (change: (disks: readonly DriverSession['disks'][0][]) => readonly DriverSession['disks'][0][]): Fault => ({
  session: (session) => ({ ...session, disks: change(session.disks) as DriverSession['disks'] }),
})

async function guessFormat({ disks: [first, ...rest] }: OpenRequest): Promise<OpenRequest> {
  const guess = async (disk: OpenRequest['disks'][0]): Promise<OpenRequest['disks'][0]> => {
    const [top, ...below] = disk.chain
    const handle = await open(top.path, 'r')
    const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0)
    await handle.close()
    const format = buffer.toString('latin1') === 'QFI\xfb' ? 'qcow2' : 'raw'
    return { ...disk, chain: [{ ...top, format }, ...below] }
  }
  return { disks: [await guess(first), ...(await Promise.all(rest.map(guess)))] }
}

/** Faults in how disks are attached. */
export const diskMutants: Readonly<Record<string, Mutant>> = {
  'swaps the order of disks': block(
    onDisks((disks) => disks.map((disk, index) => ({ ...disk, device: (disks[disks.length - 1 - index] ?? disk).device }))),
    'block.order',
  ),
  'lists disks in another order': block(
    onDisks((disks) => [...disks].reverse()),
    'block.order',
  ),
  'one device for two disks': block(
    onDisks((disks) => disks.map((disk) => ({ ...disk, device: disks[0]?.device ?? disk.device }))),
    'block.order',
  ),
  'every disk has the size of the first': block(
    onDisks((disks) => disks.map((disk) => ({ ...disk, sizeBytes: disks[0]?.sizeBytes ?? 0 }))),
    'block.sizes',
  ),
  'every disk says it is writable': block(
    onDisks((disks) => disks.map((disk) => ({ ...disk, readOnly: false }))),
    'block.read-only-flag',
  ),
  'a read-only disk takes writes': block(
    {
      request: withAccess('read-only', 'read-write'),
      ...onDisks((disks) => disks.map((disk, index) => ({ ...disk, readOnly: index === 2 }))),
    },
    'block.read-only-refuses',
  ),
  'a read-only disk takes writes and drops them': block(
    {
      request: withAccess('read-only', 'scratch'),
      ...onDisks((disks) => disks.map((disk, index) => ({ ...disk, readOnly: index === 2 }))),
    },
    'block.read-only-refuses',
  ),
  'a scratch disk writes through': block({ request: withAccess('scratch', 'read-write') }, 'block.scratch'),
  'a scratch disk refuses writes': block(
    {
      request: withAccess('scratch', 'read-only'),
      ...onDisks((disks) => disks.map((disk, index) => ({ ...disk, readOnly: index === 2 }))),
    },
    'block.scratch',
  ),
  'close forgets what was written': block({ request: withAccess('read-write', 'scratch') }, 'block.write-persists', 'block.filesystem'),
  'writes to the base': block(
    {
      request: ({ disks: [first, ...rest] }) => ({
        disks: [first, ...rest.map((disk) => ({ ...disk, chain: [disk.chain.at(-1) ?? disk.chain[0]] as const }))],
      }),
    },
    'block.write-persists',
    'block.base-untouched',
  ),
  'says there are no nodes of partitions': block(
    { session: (session) => ({ ...session, capabilities: { ...session.capabilities, partitionNodes: false } }) },
    'block.partition-nodes',
  ),
  'guesses the format of an image': { fault: { request: guessFormat }, groups: ['hostile'], found: ['hostile.raw-is-raw'] },
  'opens what is damaged as raw': {
    fault: {
      request: async (request) => {
        const { disks } = await guessFormat(request)
        const raw = disks.map((disk) => ({ ...disk, chain: [{ ...disk.chain[0], format: 'raw' as const }] as const }))
        return { disks: raw as unknown as OpenRequest['disks'] }
      },
    },
    groups: ['hostile'],
    found: ['hostile.truncated-qcow2'],
  },
}
