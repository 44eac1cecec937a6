import { stat } from 'node:fs/promises'
import { type ErrorReport, type FormatReport, type FormatRequest, formatReport, type GrowReport, growReport } from '@host-deployer/api'
import { format, grow } from '@host-deployer/core'
import type { ImageFormat } from '@host-deployer/driver-api'
import { inspectImage } from '@host-deployer/image'
import { execa } from 'execa'
import { beforeAll, describe, expect, test } from 'vitest'
import { openTestDriver } from './lib/appliance.ts'
import { checkFileSystems } from './lib/check-file-systems.ts'
import { digestOf } from './lib/digest-of.ts'
import { onDisk } from './lib/phony-disk.ts'
import { runJson } from './lib/run-command.ts'
import { createWorkspace, type Workspace } from './lib/workspace.ts'

const mebibyte = 2 ** 20
const clock = () => performance.now()
let space: Workspace
beforeAll(async () => {
  space = await createWorkspace('disks')
})

/** A disk of this file's tests: empty at first, then formatted, then larger. */
interface Disk {
  readonly name: string
  readonly as: ImageFormat
  readonly request: FormatRequest
  /** What the tools may write into the image besides a few blocks: journals, logs, maps. */
  readonly allocatedMiB: number
}

const uuid = (digit: number) => `0a1b2c3d-0000-4000-8000-${String(digit).repeat(12)}`
const disks: readonly Disk[] = [
  { name: 'ext2', as: 'qcow2', request: { filesystem: 'ext2', uuid: uuid(1), label: 'old' }, allocatedMiB: 8 },
  { name: 'ext3', as: 'qcow2', request: { filesystem: 'ext3', uuid: uuid(2) }, allocatedMiB: 80 },
  {
    name: 'ext4',
    as: 'raw',
    request: { filesystem: 'ext4', uuid: uuid(3), label: 'data', reserved_blocks_percentage: 1 },
    allocatedMiB: 8,
  },
  { name: 'ext4-folds', as: 'qcow2', request: { filesystem: 'ext4', uuid: uuid(4), case_insensitive: true }, allocatedMiB: 8 },
  { name: 'xfs', as: 'raw', request: { filesystem: 'xfs', uuid: uuid(5), label: 'data' }, allocatedMiB: 80 },
  { name: 'f2fs', as: 'qcow2', request: { filesystem: 'f2fs', uuid: uuid(6), label: 'flash', case_insensitive: true }, allocatedMiB: 40 },
  { name: 'swap', as: 'raw', request: { filesystem: 'swap', uuid: uuid(7).toUpperCase(), label: 'swap1' }, allocatedMiB: 1 },
]

const pathOf = ({ name, as }: Disk) => space.path(`${name}.${as}`)

async function target(path: string, as: ImageFormat) {
  const { driver, context } = await openTestDriver()
  return { driver, context, image: await inspectImage(path, { format: as }), clock }
}

const formatted = async (disk: Disk) => format({ ...(await target(pathOf(disk), disk.as)), request: disk.request })
const grown = async (disk: Pick<Disk, 'name' | 'as'>, rootDevice?: string) =>
  grow({ ...(await target(space.path(`${disk.name}.${disk.as}`), disk.as)), rootDevice })

const allocatedMiB = async (path: string) => ((await stat(path)).blocks * 512) / mebibyte

// The checkers of the appliance, changing nothing. Swap has none.
const checkers: Readonly<Record<FormatRequest['filesystem'], readonly [string, ...string[]] | undefined>> = {
  ext2: ['e2fsck', '-fn'],
  ext3: ['e2fsck', '-fn'],
  ext4: ['e2fsck', '-fn'],
  xfs: ['xfs_repair', '-n'],
  f2fs: ['fsck.f2fs', '--dry-run'],
  swap: undefined,
}

/** Looks at all disks in one session. Gives what blkid and sfdisk say of each; throws when a checker complains. */
async function examine(): Promise<Map<string, Record<string, string>>> {
  const { driver, context } = await openTestDriver()
  const requests = await Promise.all(
    disks.map(async (disk) => {
      const { chain } = await inspectImage(pathOf(disk), { format: disk.as })
      return { id: disk.name, chain, access: 'read-only' as const }
    }),
  )
  const [first, ...rest] = requests
  if (first === undefined) throw new TypeError('no disks')
  await using session = await driver.open({ disks: [first, ...rest] }, context)
  const said = async (...argv: [string, ...string[]]) => {
    const { exitCode, stdout, stderr } = await session.toolHost.exec(argv, { timeoutMs: 120_000 })
    const text = Buffer.concat([stdout, stderr]).toString()
    if (exitCode !== 0) throw new Error(`${argv.join(' ')} ended with ${exitCode}: ${text}`)
    return text
  }
  const found = await Promise.all(
    session.disks.map(async ({ id, device }) => {
      const disk = disks.find(({ name }) => name === id)
      const checker = disk === undefined ? undefined : checkers[disk.request.filesystem]
      const [probed, table] = await Promise.all([
        said('blkid', '-p', '-o', 'export', `${device}1`),
        said('sfdisk', '--verify', device),
        checker === undefined ? '' : said(...checker, `${device}1`),
      ])
      return [id, { ...Object.fromEntries(probed.split('\n').map((line) => line.split('=', 2))), table }] as const
    }),
  )
  return new Map(found)
}

// One of each way to grow.
const again = new Set(['ext4', 'xfs', 'f2fs', 'swap'])
const linux = '0fc63daf-8483-4772-8e79-3d69d8477de4'
const swapType = '0657fd6d-a4ab-43c4-84e5-0933c84b4f4f'

describe('a disk is formatted, and grows with its image', () => {
  test.each(disks)('$name in $as', async (disk) => {
    await execa('qemu-img', ['create', '-q', '-f', disk.as, pathOf(disk), '1G'])
    const report = formatReport.parse(await formatted(disk))
    const { filesystem: type, uuid: id, label } = disk.request
    expect(report.filesystem).toMatchObject({ type, uuid: id?.toLowerCase(), label: label ?? null, sizeBytes: 1022 * mebibyte })
    expect(await allocatedMiB(pathOf(disk))).toBeLessThan(disk.allocatedMiB)
  })

  test('each is what the tools of its own take it for', async () => {
    const found = await examine()
    for (const { name, request } of disks) {
      expect(found.get(name)).toMatchObject({
        TYPE: request.filesystem,
        UUID: request.uuid?.toLowerCase(),
        PART_ENTRY_TYPE: request.filesystem === 'swap' ? swapType : linux,
        PART_ENTRY_OFFSET: '2048',
      })
    }
  })

  test.each(disks)('$name fills 2 GiB, once', async (disk) => {
    await execa('qemu-img', ['resize', '-q', '-f', disk.as, pathOf(disk), '2G'])
    const kind = disk.name === 'swap' ? 'swap' : 'filesystem'
    const sizeBytes = 2046 * mebibyte
    expect(await grown(disk)).toMatchObject({
      changed: true,
      steps: [
        { kind: 'partition', sizeBytes },
        { kind, sizeBytes },
      ],
      diagnostics: expect.anything(),
    })
    // Nothing to grow: nothing is written.
    if (!again.has(disk.name)) return
    const before = await digestOf(pathOf(disk))
    expect(growReport.parse(await grown(disk))).toMatchObject({ changed: false, steps: [], image: { format: disk.as } })
    expect(await digestOf(pathOf(disk))).toBe(before)
  })

  test('they are whole, and have their names', async () => {
    const found = await examine()
    for (const { name, request } of disks) {
      expect(found.get(name)).toMatchObject({
        TYPE: request.filesystem,
        UUID: request.uuid?.toLowerCase(),
        ...(request.label === undefined ? {} : { LABEL: request.label }),
        PART_ENTRY_SIZE: String(2046 * 2048),
      })
    }
  })
})

describe('what is refused changes nothing', () => {
  test('a UUID that is none, a disk that is too small', async () => {
    const path = space.path('refused.raw')
    await execa('qemu-img', ['create', '-q', '-f', 'raw', path, '200M'])
    const before = await digestOf(path)
    const code = async (exitCode: number, ...flags: string[]) =>
      (await runJson<ErrorReport>(['format', path, '--format', 'raw', ...flags], exitCode)).error.code
    expect(await code(2, '--filesystem', 'ext4', '--uuid', 'f00d')).toBe('INPUT_FORMAT_UUID')
    expect(await code(5, '--filesystem', 'xfs')).toBe('BLOCK_DISK_TOO_SMALL')
    expect(await digestOf(path)).toBe(before)
  })

  test('a disk that is not empty, unless all of it may be lost', async () => {
    const path = space.path('swap.raw')
    const before = await digestOf(path)
    const args = ['format', path, '--format', 'raw', '--filesystem', 'ext4']
    expect(await runJson<ErrorReport>(args, 5)).toMatchObject({
      error: { code: 'BLOCK_NOT_EMPTY', context: { filesystems: ['swap swap1'] } },
    })
    expect(await digestOf(path)).toBe(before)
    const forced = await runJson<FormatReport>([...args, '--force'])
    expect(forced.filesystem).toMatchObject({ type: 'ext4', label: null })
  })
})

describe('other disks without a root', () => {
  test('the only volume of LVM, in a logical partition', async () => {
    const path = space.path('lvm.raw')
    await execa('qemu-img', ['create', '-q', '-f', 'raw', path, '1G'])
    await onDisk(path, async (session, run) => {
      const [{ device }] = session.disks
      await run('sh', '-ec', 'printf "label: dos\\nsize=100MiB,type=83\\ntype=5\\ntype=8e\\n" | sfdisk -q "$1"', 'sh', device)
      await run('pvcreate', '-q', `${device}5`)
      await run('vgcreate', '-q', 'vg0', `${device}5`)
      await run('lvcreate', '-q', '-y', '-L', '400M', '-n', 'data', 'vg0')
      await run('mkfs.xfs', '-q', '/dev/vg0/data')
      await run('vgchange', '-an')
    })
    await execa('qemu-img', ['resize', '-q', '-f', 'raw', path, '2G'])
    const report = await runJson<GrowReport>(['grow', path, '--format', 'raw'])
    expect(report.steps.map(({ kind, device }) => `${kind} ${device}`)).toEqual([
      'partition /dev/sda2',
      'partition /dev/sda5',
      'physical-volume /dev/sda5',
      'logical-volume /dev/vg0/data',
      'filesystem /dev/vg0/data',
    ])
    expect(report.steps.at(-1)?.sizeBytes).toBeGreaterThan(1900 * mebibyte)
    expect(await grown({ name: 'lvm', as: 'raw' })).toMatchObject({ changed: false, steps: [] })
    expect(await checkFileSystems(path, 'raw')).toEqual([])
  })

  test('of several volumes the one that is named', async () => {
    const path = space.path('volumes.raw')
    await execa('qemu-img', ['create', '-q', '-f', 'raw', path, '256M'])
    await onDisk(path, async (session, run) => {
      const [{ device }] = session.disks
      await run('pvcreate', '-q', device)
      await run('vgcreate', '-q', 'vg0', device)
      for (const name of ['one', 'two']) {
        await run('lvcreate', '-q', '-y', '-L', '100M', '-n', name, 'vg0')
        await run('mkfs.ext4', '-q', `/dev/vg0/${name}`)
      }
      await run('vgchange', '-an')
    })
    const before = await digestOf(path)
    const volumes = { name: 'volumes', as: 'raw' } as const
    const error: unknown = await grown(volumes).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'BLOCK_GROW_AMBIGUOUS', hint: expect.stringContaining('/dev/vg0/one') })
    expect(await digestOf(path)).toBe(before)
    const kinds = (await grown(volumes, '/dev/vg0/two')).steps.map(({ kind, device }) => `${kind} ${device}`)
    expect(kinds).toEqual(['logical-volume /dev/vg0/two', 'filesystem /dev/vg0/two'])
  })

  test('a file system on the whole disk', async () => {
    const path = space.path('whole.raw')
    await execa('qemu-img', ['create', '-q', '-f', 'raw', path, '64M'])
    await onDisk(path, (session, run) => run('mkfs.ext4', '-q', session.disks[0].device))
    await execa('qemu-img', ['resize', '-q', '-f', 'raw', path, '256M'])
    const { steps } = await grown({ name: 'whole', as: 'raw' })
    expect(steps).toEqual([{ kind: 'filesystem', device: '/dev/sda', sizeBytes: 256 * mebibyte }])
  })
})
