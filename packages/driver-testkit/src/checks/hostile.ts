import { deepStrictEqual, notStrictEqual, ok, strictEqual } from 'node:assert/strict'
import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DeployError, type DiskRequest, hostPath, type ImageFile } from '@host-deployer/driver-api'
import { buildQcow2, CLUSTER_BYTES } from '../build-qcow2.ts'
import { defineChecks } from '../check.ts'
import { deviceSize, needTool, readBlock, runTool, writeBlock } from '../device-tools.ts'
import { MARK_AT, MIB, markOf } from '../disks.ts'
import { absurdGpt, loopingLogicalPartitions } from '../partition-tables.ts'
import type { TestBed } from '../test-bed.ts'
import { createRawImage } from '../test-images.ts'

const scratchOf = (id: string, image: ImageFile): DiskRequest => ({ id, access: 'scratch', chain: [image] })

/** A valid qcow2 image of 64 MiB with one cluster of content, as bytes to be spoilt. */
const validQcow2 = (): Buffer => Buffer.from(buildQcow2({ sizeBytes: 64 * MIB, clusters: new Map([[0, markOf('victim')]]) }))

// Offsets as in QEMU's docs/interop/qcow2.txt.
const lies: Readonly<Record<string, (image: Buffer) => void>> = {
  'a virtual size of 2^62': (image) => image.writeBigUInt64BE(1n << 62n, 24),
  'an L1 table of four billion entries': (image) => image.writeUInt32BE(0xffff_ffff, 36),
  'an L1 table beyond the end': (image) => image.writeBigUInt64BE(1n << 50n, 40),
  'clusters of 2^63 bytes': (image) => image.writeUInt32BE(63, 20),
  'a reference table beyond the end': (image) => image.writeBigUInt64BE(1n << 50n, 48),
}

/** Images of one session, from somebody who means harm. */
async function createHostileDisks(bed: TestBed): Promise<[DiskRequest, ...DiskRequest[]]> {
  const directory = await bed.makeDirectory('hostile')
  const qcow2 = join(directory, 'qcow2-inside.raw')
  await writeFile(qcow2, buildQcow2({ sizeBytes: MIB, clusters: new Map(), backing: { path: '/etc/passwd', format: 'raw' } }))
  const superblock = Buffer.alloc(1024, 0xa5)
  superblock.writeUInt16LE(0xef53, 0x38)
  const noise = new Map([
    [1024, new Uint8Array(superblock)],
    [MARK_AT, markOf('noise')],
  ])
  // Read as somebody's option list, protocol or pattern this name would be another file, or none.
  const oddName = 'json:{"driver":"null-co"},file=a,,b "c" \'d\' $e %s:nbd:\n\u00fc'
  return [
    scratchOf('qcow2-inside', { path: hostPath(qcow2), format: 'raw' }),
    scratchOf('noise', await createRawImage(directory, 'noise', 64 * MIB, noise)),
    scratchOf('looping', await createRawImage(directory, 'looping', 64 * MIB, loopingLogicalPartitions)),
    scratchOf('absurd', await createRawImage(directory, 'absurd', 64 * MIB, absurdGpt())),
    scratchOf('odd-name', await createRawImage(directory, oddName, 64 * MIB, new Map([[MARK_AT, markOf('odd-name')]]))),
  ]
}

const hostileSession = (bed: TestBed) =>
  bed.once('hostile session', async () => {
    const session = await bed.open({ disks: await createHostileDisks(bed) })
    bed.atClose(() => session.close())
    return session
  })

async function stillWorks(bed: TestBed): Promise<void> {
  const { toolHost, disks } = await hostileSession(bed)
  await needTool(toolHost, 'true')
  strictEqual(Buffer.compare(await readBlock(toolHost, disks[4]?.device ?? disks[0].device, MARK_AT), markOf('odd-name')), 0)
}

/** Refused as what it is, or opened and closed; nothing else. */
async function staysInControl(bed: TestBed, disk: DiskRequest, what: string): Promise<string> {
  try {
    const session = await bed.open({ disks: [disk] })
    await session.close()
    return 'opened'
  } catch (error) {
    ok(DeployError.isInstance(error), `${what}: ${error}`)
    ok(/^[A-Z][A-Z0-9_]+$/.test(error.code), `${what}: ${error.code}`)
    return error.code
  }
}

/** Images and contents made to do harm. */
export const hostileChecks = defineChecks('hostile', {
  'truncated-qcow2': {
    title: 'a qcow2 image cut off in its tables: IMAGE_DAMAGED',
    async run(bed) {
      const path = hostPath(join(await bed.makeDirectory('truncated'), 'cut.qcow2'))
      await writeFile(path, validQcow2())
      await truncate(path, 3 * CLUSTER_BYTES)
      strictEqual(
        await staysInControl(bed, { id: 'cut', access: 'read-write', chain: [{ path, format: 'qcow2' }] }, 'cut off'),
        'IMAGE_DAMAGED',
      )
      deepStrictEqual(await bed.residue(), [])
    },
  },
  'lying-qcow2': {
    title: 'a qcow2 header that lies about sizes and tables is refused with a code, and nothing is left',
    async run(bed) {
      const directory = await bed.makeDirectory('lying')
      for (const [index, [what, spoil]] of Object.entries(lies).entries()) {
        const image = validQcow2()
        spoil(image)
        const path = hostPath(join(directory, `${index}.qcow2`))
        await writeFile(path, image)
        const outcome = await staysInControl(bed, { id: 'lying', access: 'scratch', chain: [{ path, format: 'qcow2' }] }, what)
        notStrictEqual(outcome, 'opened', what)
      }
      deepStrictEqual(await bed.residue(), [])
    },
  },
  'raw-is-raw': {
    title: 'an image declared raw is raw, whatever it looks like inside',
    async run(bed) {
      const { disks, toolHost } = await hostileSession(bed)
      const [disk] = disks
      const expected = buildQcow2({ sizeBytes: MIB, clusters: new Map(), backing: { path: '/etc/passwd', format: 'raw' } })
      deepStrictEqual([disk.sizeBytes, await deviceSize(toolHost, disk.device)], [expected.length, expected.length])
      strictEqual(Buffer.compare(await readBlock(toolHost, disk.device, 0), expected.subarray(0, 512)), 0)
    },
  },
  'garbage-filesystem': {
    title: 'mounting garbage fails as a result, and the session goes on',
    async run(bed) {
      const { disks, toolHost } = await hostileSession(bed)
      const device = disks[1]?.device ?? disks[0].device
      const mountPoint = `${bed.directory}/garbage`
      await needTool(toolHost, 'mkdir', '-p', mountPoint)
      notStrictEqual((await runTool(toolHost, ['mount', '-t', 'ext4', '-o', 'ro,nodev,nosuid,noexec', device, mountPoint])).code, 0)
      await stillWorks(bed)
    },
  },
  'garbage-filesystems': {
    title: 'so does it for other file systems, where it is not this machine\u2019s kernel that reads them',
    needs: ['isolated'],
    async run(bed) {
      const { disks, toolHost } = await hostileSession(bed)
      const device = disks[1]?.device ?? disks[0].device
      await needTool(toolHost, 'mkdir', '-p', `${bed.directory}/garbage`)
      // Where each has its magic number, so that its code is reached at all.
      const magics: readonly (readonly [string, number, string])[] = [
        ['xfs', 0, 'XFSB'],
        ['btrfs', 65_536 + 64, '_BHRfS_M'],
        ['vfat', 510, '\x55\xaa'],
      ]
      for (const [type, at, magic] of magics) {
        const block = Buffer.alloc(512, 0xa5)
        block.write(magic, at % 512, 'latin1')
        strictEqual(await writeBlock(toolHost, device, at - (at % 512), new Uint8Array(block), true), 0)
        const { code } = await runTool(toolHost, ['mount', '-t', type, '-o', 'ro,nodev,nosuid,noexec', device, `${bed.directory}/garbage`])
        notStrictEqual(code, 0, type)
      }
      await stillWorks(bed)
    },
  },
  'partition-tables': {
    title: 'tables that loop or claim four billion entries: tools end with a result, and the session goes on',
    async run(bed) {
      const { disks, toolHost } = await hostileSession(bed)
      for (const { device, sizeBytes } of disks.slice(2, 4)) {
        await runTool(toolHost, ['sfdisk', '--json', device])
        await runTool(toolHost, ['blkid', '-p', device])
        strictEqual(await deviceSize(toolHost, device), sizeBytes)
      }
      await stillWorks(bed)
    },
  },
  'file-names': {
    title: 'an image\u2019s file name is a name, whatever is in it',
    run: stillWorks,
  },
})
