import { deepStrictEqual, ok } from 'node:assert/strict'
import { join } from 'node:path'
import { type DiskRequest, hostPath } from '@host-deployer/driver-api'
import { defineChecks } from '../check.ts'
import { needTool } from '../device-tools.ts'
import { MIB } from '../disks.ts'
import { codeOf } from '../expect-error.ts'
import { lookAtMemory, type Memory } from '../look-at-memory.ts'
import { type Holdings, lookAtHoldings } from '../residue.ts'
import { settled } from '../settled.ts'
import type { TestBed } from '../test-bed.ts'
import { createQcow2Image, createRawImage } from '../test-images.ts'

/** For the usual rounds; more of them have more time. */
const LOOP_TIMEOUT_MS = 110_000

interface Comparison {
  readonly before: Holdings
  readonly after: Holdings
  readonly residue: readonly string[]
  /** By how much this process has grown. */
  readonly grown: Memory
}

/** More than what modules and caches of sessions come to. */
const HELD_BYTES = 16 * MIB
/** Pools of threads, compiled code, holes between what is allocated: it levels off, after hundreds of sessions. */
const residentBytesFor = (rounds: number): number => (64 + rounds) * MIB

const growthOf = (before: Memory, after: Memory): Memory => ({
  heldBytes: after.heldBytes - before.heldBytes,
  residentBytes: after.residentBytes - before.residentBytes,
})

const isModest = ({ heldBytes, residentBytes }: Memory, rounds: number): boolean =>
  heldBytes < HELD_BYTES && residentBytes < residentBytesFor(rounds)

/** What there is more of than before. That something ended meanwhile, which others in this process had started, is no leak. */
function added(before: readonly string[], after: readonly string[]): string[] {
  const known = [...before]
  return after.filter((item) => {
    const at = known.indexOf(item)
    if (at >= 0) known.splice(at, 1)
    return at < 0
  })
}

const pidOf = (line: string): string => line.split(' ', 1)[0] ?? ''

/** The processes that were not there before; one may have got another name meanwhile, by exec(2). */
const started = (before: Holdings, after: Holdings): string[] => {
  const known = new Set(before.processes.map(pidOf))
  return after.processes.filter((line) => !known.has(pidOf(line)))
}

/** Sessions that work, one after the other, each followed by one that is refused; with a look before and after. */
async function compare(bed: TestBed): Promise<Comparison> {
  await bed.close()
  const data: DiskRequest = { id: 'data', access: 'read-write', chain: [await createRawImage(bed.directory, 'leak', MIB)] }
  const image: DiskRequest = { id: 'image', access: 'scratch', chain: [await createQcow2Image(bed.directory, 'leak', MIB)] }
  const missing: DiskRequest = {
    id: 'missing',
    access: 'read-only',
    chain: [{ path: hostPath(join(bed.directory, 'none')), format: 'raw' }],
  }
  const round = async (): Promise<void> => {
    await bed.inSession({ disks: [data, image] }, async ({ toolHost }) => void (await needTool(toolHost, 'true')))
    await codeOf(bed.open({ disks: [data, missing] }))
  }
  // What a first session loads or sets up for good is no leak.
  await round()
  await bed.residue()
  const before = await lookAtHoldings()
  const memory = await lookAtMemory()
  for (let i = 0; i < bed.rounds; i += 1) await round()
  const residue = await bed.residue()
  const isBack = (now: Holdings): boolean => started(before, now).length === 0 && added(before.descriptors, now.descriptors).length === 0
  const after = await settled(lookAtHoldings, isBack, bed.settleMs)
  // What is freed in the background is free a moment later.
  const grown = await settled(
    async () => growthOf(memory, await lookAtMemory()),
    (growth) => isModest(growth, bed.rounds),
    bed.settleMs,
  )
  return { before, after, residue, grown }
}

const comparison = (bed: TestBed): Promise<Comparison> => bed.once('comparison', () => compare(bed))

/** Sessions in a loop. */
export const leakChecks = defineChecks('leak', {
  residue: {
    title: 'sessions in a loop leave no mount, device, process, socket, directory or lease',
    timeoutMs: LOOP_TIMEOUT_MS,
    run: async (bed) => deepStrictEqual((await comparison(bed)).residue, []),
  },
  processes: {
    title: 'they leave no process of ours',
    timeoutMs: LOOP_TIMEOUT_MS,
    async run(bed) {
      const { before, after } = await comparison(bed)
      deepStrictEqual(started(before, after), [])
    },
  },
  descriptors: {
    title: 'they leave no descriptor open',
    timeoutMs: LOOP_TIMEOUT_MS,
    async run(bed) {
      const { before, after } = await comparison(bed)
      deepStrictEqual(added(before.descriptors, after.descriptors), [])
    },
  },
  memory: {
    title: 'the memory of this process does not grow with them',
    timeoutMs: LOOP_TIMEOUT_MS,
    async run(bed) {
      const { grown } = await comparison(bed)
      const { heldBytes, residentBytes } = grown
      ok(isModest(grown, bed.rounds), `after ${bed.rounds} rounds ${heldBytes} bytes more are held, ${residentBytes} more resident`)
    },
  },
})
