import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import { defineChecks } from '../check.ts'
import { needTool } from '../device-tools.ts'
import { codeOf } from '../expect-error.ts'
import { type Moment, startSessionOwner } from '../session-owner.ts'
import type { TestBed } from '../test-bed.ts'
import { courseOf } from './abort.ts'

/** A process that owns a session is killed; `reclaim` frees what it held, and the image can be opened by us. */
async function diesAndIsReclaimed(bed: TestBed, moment: Moment, when: string): Promise<void> {
  const { request } = await courseOf(bed)
  const owner = await startSessionOwner(bed, { request, moment })
  const { signal, exitCode } = await owner.ended
  // It may be done with closing before; and an open that found a device taken before may need a lease less now.
  const mayEnd = moment.kind === 'closing' || (moment.kind === 'lease' && moment.count > 1)
  if (mayEnd) ok(signal === 'SIGKILL' || exitCode === 0, `${when}: it ended with ${exitCode}`)
  else strictEqual(signal, 'SIGKILL', `${when}: it ended with ${exitCode}, ${await owner.reached('closed').catch((error) => error)}`)
  await bed.reclaim(bed.leaseDirectory)
  deepStrictEqual(await bed.residue(), [], when)
  await bed.reclaim(bed.leaseDirectory)
}

async function imageIsFree(bed: TestBed): Promise<void> {
  const { request } = await courseOf(bed)
  strictEqual(await codeOf(bed.open(request)), 'none', 'the image is still taken')
}

/** kill -9 of the process that owns a session. */
export const killChecks = defineChecks('kill', {
  opening: {
    title: 'killed at each lease of open: reclaim frees everything, and the image can be opened',
    needs: ['module'],
    timeoutMs: 110_000,
    async run(bed) {
      const { leases } = await courseOf(bed)
      for (let count = 1; count <= leases; count += 1) {
        await diesAndIsReclaimed(bed, { kind: 'lease', count }, `at lease ${count} of ${leases}`)
      }
      await imageIsFree(bed)
    },
  },
  open: {
    title: 'killed with an open session: reclaim frees everything, and the image can be opened',
    needs: ['module'],
    async run(bed) {
      await diesAndIsReclaimed(bed, { kind: 'open' }, 'when open')
      await imageIsFree(bed)
    },
  },
  running: {
    title: 'killed while a program runs in its session: reclaim frees everything',
    needs: ['module'],
    async run(bed) {
      await diesAndIsReclaimed(bed, { kind: 'running' }, 'while a program runs')
      await imageIsFree(bed)
    },
  },
  closing: {
    title: 'killed while it closes: reclaim frees the rest',
    needs: ['module'],
    async run(bed) {
      await diesAndIsReclaimed(bed, { kind: 'closing' }, 'while closing')
      await imageIsFree(bed)
    },
  },
  'live-untouched': {
    title: 'reclaim touches nothing of a session whose process lives',
    async run(bed) {
      const { request } = await courseOf(bed)
      await bed.inSession(request, async ({ toolHost, disks: [{ device }] }) => {
        await bed.reclaim(bed.leaseDirectory)
        await needTool(toolHost, 'true')
        await needTool(toolHost, 'blockdev', '--getsize64', device)
      })
      deepStrictEqual(await bed.residue(), [])
    },
  },
})
