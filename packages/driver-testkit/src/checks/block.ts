import { deepStrictEqual, notStrictEqual, strictEqual } from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { DriverSession } from '@host-deployer/driver-api'
import { defineChecks } from '../check.ts'
import { deviceSize, needTool, partitionNode, readBlock, runTool, writeBlock } from '../device-tools.ts'
import { createDisks, type Disks, MARK_AT, MIB, markOf, sealedPartitions, sizeOf } from '../disks.ts'
import { mbrTable } from '../partition-tables.ts'
import { readVirtualBytes } from '../read-image.ts'
import { tagOf } from '../residue.ts'
import { settled } from '../settled.ts'
import type { TestBed } from '../test-bed.ts'
import { digestOf } from '../test-images.ts'

/** Where a check writes: away from marks and partition tables. */
const WRITE_AT = 20 * MIB

/** What a session of its own, with images of its own, wrote and left. */
interface Written {
  readonly disks: Disks
  readonly block: Uint8Array
  /** Of the images of `sealed` and `scratch` and of the base of `overlay`. */
  readonly digestsBefore: readonly string[]
  readonly digestsAfter: readonly string[]
  readonly codes: Readonly<Record<keyof Disks, number | null>>
  /** What the session itself read back from the scratch disk. */
  readonly scratchReadBack: Uint8Array
}

const untouched = ({ sealed, scratch, overlay }: Disks) => [sealed.chain[0], scratch.chain[0], overlay.chain[1] ?? overlay.chain[0]]
const digestsOf = (disks: Disks): Promise<string[]> => Promise.all(untouched(disks).map(({ path }) => digestOf(path)))

async function writeEverywhere(bed: TestBed): Promise<Written> {
  const directory = await bed.makeDirectory('written')
  const disks = await createDisks(directory)
  const block = new Uint8Array(randomBytes(512))
  const digestsBefore = await digestsOf(disks)
  const act = async ({ disks: attached, toolHost }: DriverSession) => {
    const codes: Partial<Record<keyof Disks, number | null>> = {}
    for (const { id, device, readOnly } of attached) {
      // Without a sync where it should succeed: getting it to the image is what close is for.
      codes[id as keyof Disks] = await writeBlock(toolHost, device, WRITE_AT, block, readOnly)
    }
    const scratch = attached[3]?.device ?? attached[0].device
    return { codes: codes as Written['codes'], scratchReadBack: await readBlock(toolHost, scratch, WRITE_AT) }
  }
  const { data, ...rest } = disks
  const outcome = await bed.inSession({ disks: [data, ...Object.values(rest)] }, act)
  return { disks, block, digestsBefore, digestsAfter: await digestsOf(disks), ...outcome }
}

const written = (bed: TestBed): Promise<Written> => bed.once('written everywhere', () => writeEverywhere(bed))

/** Disks as devices. */
export const blockChecks = defineChecks('block', {
  order: {
    title: 'five disks are those of the request, in its order: ids, and what is on them',
    async run(bed) {
      const [{ disks, toolHost }, request] = [await bed.session(), await bed.disks()]
      deepStrictEqual(
        disks.map(({ id }) => id),
        Object.keys(request),
      )
      strictEqual(new Set(disks.map(({ device }) => device)).size, disks.length, 'two disks have one device')
      for (const { id, device } of disks) {
        strictEqual(Buffer.compare(await readBlock(toolHost, device, MARK_AT), markOf(id)), 0, `another disk is behind ${id}`)
      }
    },
  },
  sizes: {
    title: 'sizes are those of the images, in the session and of the devices',
    async run(bed) {
      const { disks, toolHost } = await bed.session()
      deepStrictEqual(
        disks.map(({ id, sizeBytes }) => [id, sizeBytes]),
        Object.entries(sizeOf),
      )
      for (const { id, device, sizeBytes } of disks) strictEqual(await deviceSize(toolHost, device), sizeBytes, id)
    },
  },
  'read-only-flag': {
    title: 'exactly the disks asked for as read-only say that they are',
    async run(bed) {
      const [{ disks }, request] = [await bed.session(), await bed.disks()]
      deepStrictEqual(
        disks.map(({ readOnly }) => readOnly),
        Object.values(request).map(({ access }) => access === 'read-only'),
      )
    },
  },
  'read-only-refuses': {
    title: 'a read-only disk refuses writes, and its image stays byte for byte',
    async run(bed) {
      const { codes, digestsBefore, digestsAfter } = await written(bed)
      notStrictEqual(codes.sealed, 0, 'the write succeeded')
      strictEqual(digestsAfter[0], digestsBefore[0], 'the image changed')
    },
  },
  'write-persists': {
    title: 'what was written is in the image once the session is closed, synced or not',
    async run(bed) {
      const { codes, disks, block } = await written(bed)
      for (const id of ['data', 'image', 'overlay'] as const) {
        strictEqual(codes[id], 0, id)
        strictEqual(Buffer.compare(await readVirtualBytes(disks[id].chain[0], WRITE_AT, 512), block), 0, id)
      }
    },
  },
  'neighbours-untouched': {
    title: 'what was not written is as it was',
    async run(bed) {
      const { disks } = await written(bed)
      for (const id of ['data', 'image', 'overlay'] as const) {
        strictEqual(Buffer.compare(await readVirtualBytes(disks[id].chain[0], MARK_AT, 512), markOf(id)), 0, id)
        deepStrictEqual([...new Set(await readVirtualBytes(disks[id].chain[0], WRITE_AT + 512, 4096))], [0])
      }
    },
  },
  scratch: {
    title: 'a scratch disk takes writes and shows them, and its image stays byte for byte',
    async run(bed) {
      const { codes, scratchReadBack, block, digestsBefore, digestsAfter } = await written(bed)
      strictEqual(codes.scratch, 0)
      strictEqual(Buffer.compare(scratchReadBack, block), 0, 'the session does not see its own write')
      strictEqual(digestsAfter[1], digestsBefore[1], 'the image changed')
    },
  },
  'base-untouched': {
    title: 'only the first file of a chain is ever written',
    async run(bed) {
      const { digestsBefore, digestsAfter } = await written(bed)
      strictEqual(digestsAfter[2], digestsBefore[2])
    },
  },
  'partition-nodes': {
    title: 'nodes of partitions are there exactly when the session says so, with the sizes of the table',
    async run(bed) {
      const { capabilities, toolHost } = await bed.session()
      const { device } = await bed.disk('sealed')
      const look = () => Promise.all([1, 2].map((number) => deviceSize(toolHost, partitionNode(device, number))))
      const expected = capabilities.partitionNodes ? sealedPartitions.map(({ sizeBytes }) => sizeBytes) : [undefined, undefined]
      deepStrictEqual(await settled(look, (found) => String(found) === String(expected), bed.settleMs), expected)
    },
  },
  'partition-nodes-follow': {
    title: 'a table that is written in the session changes the nodes',
    needs: ['partitionNodes'],
    async run(bed) {
      const { toolHost } = await bed.session()
      const { device } = await bed.disk('scratch')
      strictEqual(await writeBlock(toolHost, device, 0, mbrTable([{ startBytes: 2 * MIB, sizeBytes: 3 * MIB }]), true), 0)
      // Busy as long as somebody has one of the partitions open: where there is a udev, it looks into each that is written to.
      const reread = () => runTool(toolHost, ['blockdev', '--rereadpt', device])
      const { code, err } = await settled(reread, (outcome) => outcome.code === 0, bed.settleMs)
      strictEqual(code, 0, `blockdev --rereadpt: ${err}`)
      const look = () => deviceSize(toolHost, partitionNode(device, 1))
      strictEqual(await settled(look, (size) => size === 3 * MIB, bed.settleMs), 3 * MIB)
    },
  },
  lvm: {
    title: 'logical volumes on the session\u2019s disks can be made, deactivated and activated',
    needs: ['lvm'],
    async run(bed) {
      const { toolHost } = await bed.session()
      const { device } = await bed.disk('image')
      const group = `vg${tagOf(bed.directory)}`
      const tool = (program: string, ...words: readonly string[]) => needTool(toolHost, program, '--devices', device, ...words)
      await tool('vgcreate', '-q', group, device)
      try {
        await tool('lvcreate', '-q', '-y', '-n', 'lv', '-L', '16M', group)
        await tool('vgchange', '-q', '-a', 'n', group)
        await tool('vgchange', '-q', '-a', 'y', group)
        const node = `/dev/mapper/${group}-lv`
        strictEqual(
          await settled(
            () => deviceSize(toolHost, node),
            (size) => size !== undefined,
            bed.settleMs,
          ),
          16 * MIB,
        )
      } finally {
        await runTool(toolHost, ['vgchange', '--devices', device, '-q', '-a', 'n', group])
      }
    },
  },
  filesystem: {
    title: 'a file system made, mounted, written and unmounted in a session is in the image',
    async run(bed) {
      const directory = await bed.makeDirectory('filesystem')
      const { data } = await createDisks(directory)
      await bed.inSession({ disks: [data] }, async ({ toolHost, disks: [{ device }] }) => {
        await needTool(toolHost, 'mkfs.ext4', '-q', '-F', '-E', 'nodiscard', device)
        await needTool(toolHost, 'mkdir', '-p', `${directory}/mnt`)
        await needTool(toolHost, 'mount', '-t', 'ext4', '-o', 'nodev,nosuid,noexec', device, `${directory}/mnt`)
        await needTool(toolHost, 'umount', `${directory}/mnt`)
      })
      // The superblock is at 1024 and has its magic number at 0x38; see ext4's documentation of the kernel.
      deepStrictEqual([...(await readVirtualBytes(data.chain[0], 1024 + 0x38, 2))], [0x53, 0xef])
    },
  },
})
