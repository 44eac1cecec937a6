import { deepStrictEqual, strictEqual } from 'node:assert/strict'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type DiskRequest, type DriverSession, hostPath, type ImageFile } from '@host-deployer/driver-api'
import { defineChecks } from '../check.ts'
import { deviceSize, needTool, readBlock, writeBlock } from '../device-tools.ts'
import { MARK_AT, MIB, markOf } from '../disks.ts'
import { codeOf } from '../expect-error.ts'
import { readVirtualBytes } from '../read-image.ts'
import { startSessionOwner } from '../session-owner.ts'
import { settled } from '../settled.ts'
import type { TestBed } from '../test-bed.ts'
import { createQcow2Image, createRawImage } from '../test-images.ts'

const IDS = ['one', 'two', 'three'] as const
const WRITE_AT = 2 * MIB
const writable = (id: string, ...chain: DiskRequest['chain']): DiskRequest => ({ id, access: 'read-write', chain })

/** Opens all at once; when one fails the others are closed. */
async function openAll(bed: TestBed, disks: readonly DiskRequest[]): Promise<DriverSession[]> {
  const outcomes = await Promise.allSettled(disks.map((disk) => bed.open({ disks: [disk] })))
  const sessions = outcomes.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const failed = outcomes.find((result) => result.status === 'rejected')
  if (failed === undefined) return sessions
  await Promise.all(sessions.map((session) => session.close()))
  throw failed.reason
}

async function writeMarks(sessions: readonly DriverSession[]): Promise<void> {
  const write = async ({ toolHost, disks: [{ id, device }] }: DriverSession): Promise<void> =>
    strictEqual(await writeBlock(toolHost, device, WRITE_AT, markOf(`${id} written`)), 0)
  await Promise.all(sessions.map(write))
}

/** Several sessions at once. */
export const parallelChecks = defineChecks('parallel', {
  independent: {
    title: 'three sessions at once work on their own images, and closing one leaves the others',
    async run(bed) {
      const directory = await bed.makeDirectory('independent')
      const create = (id: string) => createRawImage(directory, id, 64 * MIB, new Map([[MARK_AT, markOf(id)]]))
      const images = await Promise.all(IDS.map(create))
      const sessions = await openAll(
        bed,
        images.map((image, index) => writable(IDS[index] ?? 'none', image)),
      )
      try {
        await writeMarks(sessions)
        await sessions[0]?.close()
        for (const { toolHost, disks } of sessions.slice(1)) {
          strictEqual(Buffer.compare(await readBlock(toolHost, disks[0].device, MARK_AT), markOf(disks[0].id)), 0, disks[0].id)
          await needTool(toolHost, 'true')
        }
      } finally {
        await Promise.all(sessions.map((session) => session.close()))
      }
      for (const [index, image] of images.entries()) {
        strictEqual(Buffer.compare(await readVirtualBytes(image, WRITE_AT, 512), markOf(`${IDS[index]} written`)), 0)
      }
      deepStrictEqual(await bed.residue(), [])
    },
  },
  'shared-base': {
    title: 'two images on one base can be open at once',
    async run(bed) {
      const directory = await bed.makeDirectory('shared-base')
      const base = await createRawImage(directory, 'base', 64 * MIB, new Map([[MARK_AT, markOf('base')]]))
      const overlays = await Promise.all(IDS.slice(0, 2).map((id) => createQcow2Image(directory, id, 64 * MIB, base)))
      const sessions = await openAll(
        bed,
        overlays.map((overlay, index) => writable(IDS[index] ?? 'none', overlay, base)),
      )
      try {
        await writeMarks(sessions)
      } finally {
        await Promise.all(sessions.map((session) => session.close()))
      }
      for (const [index, overlay] of overlays.entries()) {
        strictEqual(Buffer.compare(await readVirtualBytes(overlay, WRITE_AT, 512), markOf(`${IDS[index]} written`)), 0)
        strictEqual(Buffer.compare(await readVirtualBytes(overlay, MARK_AT, 512), markOf('base')), 0)
      }
    },
  },
  'same-image': {
    title: 'an image that is open for writing is locked: IMAGE_LOCKED, and the session that has it goes on',
    async run(bed) {
      const image: ImageFile = await createRawImage(await bed.makeDirectory('same-image'), 'image', 64 * MIB)
      const disks = [writable('image', image)] as const
      await bed.inSession({ disks }, async (session) => {
        strictEqual(await codeOf(bed.open({ disks })), 'IMAGE_LOCKED')
        await writeMarks([session])
      })
      strictEqual(Buffer.compare(await readVirtualBytes(image, WRITE_AT, 512), markOf('image written')), 0)
      strictEqual(await codeOf(bed.open({ disks })), 'none', 'still locked after close')
    },
  },
  'same-image-elsewhere': {
    title: 'so is an image that another process has open',
    needs: ['module'],
    async run(bed) {
      const image = await createRawImage(await bed.makeDirectory('elsewhere'), 'image', 64 * MIB)
      const disks = [writable('image', image)] as const
      const owner = await startSessionOwner(bed, { request: { disks }, moment: { kind: 'stay' } })
      try {
        await owner.reached('open')
        strictEqual(await codeOf(bed.open({ disks })), 'IMAGE_LOCKED')
      } finally {
        await owner.letGo()
      }
      strictEqual(await codeOf(bed.open({ disks })), 'none', 'still locked after the other one closed it')
    },
  },
  'equal-names': {
    title: 'two copies of one image, with the same volume group in them, can be open and active at once',
    needs: ['isolated', 'lvm'],
    async run(bed) {
      const directory = await bed.makeDirectory('equal-names')
      const one = await createRawImage(directory, 'one', 64 * MIB)
      const two: ImageFile = { path: hostPath(join(directory, 'two.raw')), format: 'raw' }
      const lvm = ({ toolHost, disks: [{ device }] }: DriverSession, program: string, ...words: readonly string[]) =>
        needTool(toolHost, program, '--devices', device, '-q', ...words)
      await bed.inSession({ disks: [writable('one', one)] }, async (session) => {
        await lvm(session, 'vgcreate', 'equal', session.disks[0].device)
        await lvm(session, 'lvcreate', '-y', '-n', 'lv', '-L', '16M', 'equal')
        await lvm(session, 'vgchange', '-a', 'n', 'equal')
      })
      await copyFile(one.path, two.path)
      const sessions = await openAll(bed, [writable('one', one), writable('two', two)])
      try {
        await Promise.all(sessions.map((session) => lvm(session, 'vgchange', '-a', 'y', 'equal')))
        for (const { toolHost } of sessions) {
          strictEqual(
            await settled(
              () => deviceSize(toolHost, '/dev/mapper/equal-lv'),
              (size) => size !== undefined,
              bed.settleMs,
            ),
            16 * MIB,
          )
        }
        await Promise.all(sessions.map((session) => lvm(session, 'vgchange', '-a', 'n', 'equal')))
      } finally {
        await Promise.all(sessions.map((session) => session.close()))
      }
    },
  },
})
