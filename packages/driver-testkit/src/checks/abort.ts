import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import type { DriverContext, OpenRequest } from '@host-deployer/driver-api'
import { defineChecks } from '../check.ts'
import { MIB } from '../disks.ts'
import { codeOf } from '../expect-error.ts'
import type { TestBed } from '../test-bed.ts'
import { createRawImage } from '../test-images.ts'

/** An abort that takes longer is as good as none. */
const PROMPT_MS = 15_000
/** An open that ends so shortly after the signal may have been past its last look; on a slow machine that look is longer ago. */
const tieMs = ({ openMs }: Course): number => Math.max(20, openMs / 10)

/** How an undisturbed `open` goes: how long it takes, and how many leases it records. */
interface Course {
  readonly request: OpenRequest
  readonly openMs: number
  readonly leases: number
}

/** Counts the leases a session records, and tells of each as soon as it is on disk. */
export function watchLeases(context: DriverContext<unknown>, onLease: (count: number) => void): DriverContext<unknown>['leases'] {
  let count = 0
  return {
    async record(lease) {
      const strike = await context.leases.record(lease)
      count += 1
      onLease(count)
      return strike
    },
  }
}

/** Opens and closes, to know how it goes. The first time does not count: it may build what later ones find. */
export const courseOf = (bed: TestBed): Promise<Course> =>
  bed.once('course', async () => {
    await bed.close()
    const image = await createRawImage(bed.directory, 'course', MIB)
    const request: OpenRequest = { disks: [{ id: 'course', access: 'read-write', chain: [image] }] }
    await (await bed.open(request)).close()
    let leases = 0
    const started = performance.now()
    const counting = watchLeases(bed.context, (count) => {
      leases = count
    })
    const session = await bed.open(request, { leases: counting })
    const openMs = performance.now() - started
    await session.close()
    return { request, openMs, leases }
  })

/** Opens with a signal that fires some time. An open that was done before it fired, or just then, is no failure. */
async function abortsCleanly(bed: TestBed, changes: Partial<DriverContext<unknown>>, signal: AbortSignal, when: string): Promise<void> {
  const course = await courseOf(bed)
  const hadFired = signal.aborted
  let abortedAt = hadFired ? performance.now() : Number.POSITIVE_INFINITY
  signal.addEventListener('abort', () => {
    abortedAt = performance.now()
  })
  let endedAt = 0
  const opening = bed.open(course.request, { ...changes, signal }).finally(() => {
    endedAt = performance.now()
  })
  const code = await codeOf(opening)
  const wasOver = code === 'none' && !hadFired && endedAt < abortedAt + tieMs(course)
  if (!wasOver) strictEqual(code, 'ABORTED', when)
  ok(endedAt - abortedAt < PROMPT_MS, `${when}: the abort took too long`)
  deepStrictEqual(await bed.residue(), [], when)
}

/** Cancelling `open`. */
export const abortChecks = defineChecks('lifecycle', {
  'abort-before': {
    title: 'a signal that has fired already: ABORTED, and nothing was acquired',
    run: (bed) => abortsCleanly(bed, {}, AbortSignal.abort(), 'before'),
  },
  'abort-phases': {
    title: 'a signal that fires at each lease of open: ABORTED, and nothing is left',
    async run(bed) {
      const { leases } = await courseOf(bed)
      for (let phase = 1; phase <= leases; phase += 1) {
        const controller = new AbortController()
        const journal = watchLeases(bed.context, (count) => {
          if (count === phase) controller.abort()
        })
        await abortsCleanly(bed, { leases: journal }, controller.signal, `at lease ${phase} of ${leases}`)
      }
    },
  },
  'abort-moments': {
    title: 'a signal that fires at several moments of open: ABORTED, and nothing is left',
    async run(bed) {
      const { openMs, request } = await courseOf(bed)
      for (const part of [0.1, 0.35, 0.6])
        await abortsCleanly(bed, {}, AbortSignal.timeout(Math.floor(openMs * part)), `at ${part} of ${openMs} ms`)
      strictEqual(await codeOf(bed.open(request)), 'none', 'the image is still taken')
    },
  },
})
