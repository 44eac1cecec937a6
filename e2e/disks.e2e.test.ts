import { stat } from 'node:fs/promises'
import { type ErrorReport, type FormatReport, type FormatRequest, type GrowReport, growReport } from '@host-deployer/api'
import { chooseGrowTarget, formatDisk, growDevice, growTarget, planGrowDevice, scanStorage } from '@host-deployer/block'
import { grow } from '@host-deployer/core'
import type { AttachedDisk, DriverSession, ImageFormat } from '@host-deployer/driver-api'
import { inspectImage } from '@host-deployer/image'
import { execa } from 'execa'
import { beforeAll, describe, expect, test } from 'vitest'
import { openTestDriver } from './lib/appliance.ts'
import { digestOf } from './lib/digest-of.ts'
import { createPhonyDisk, onDisk } from './lib/phony-disk.ts'
import { runJson } from './lib/run-command.ts'
import { createWorkspace, type Workspace } from './lib/workspace.ts'

const mebibyte = 2 ** 20
let space: Workspace
beforeAll(async () => {
  space = await createWorkspace('disks')
})

interface Disk {
  readonly name: string
  readonly as: ImageFormat
  readonly type: FormatRequest['filesystem']
  readonly uuid: string
  readonly label?: string
  readonly caseInsensitive?: true
  /** What the tools may write into the image: journals, logs, maps. */
  readonly allocatedMiB: number
}

const uuid = (digit: number) => `0a1b2c3d-0000-4000-8000-${String(digit).repeat(12)}`
const disks: readonly Disk[] = [
  { name: 'ext2', as: 'qcow2', type: 'ext2', uuid: uuid(1), label: 'old', allocatedMiB: 8 },
  { name: 'ext3', as: 'qcow2', type: 'ext3', uuid: uuid(2), allocatedMiB: 80 },
  { name: 'ext4', as: 'raw', type: 'ext4', uuid: uuid(3), label: 'data', allocatedMiB: 8 },
  { name: 'ext4-folds', as: 'qcow2', type: 'ext4', uuid: uuid(4), caseInsensitive: true, allocatedMiB: 8 },
  { name: 'xfs', as: 'raw', type: 'xfs', uuid: uuid(5), label: 'data', allocatedMiB: 80 },
  { name: 'xfs-qcow2', as: 'qcow2', type: 'xfs', uuid: uuid(6), allocatedMiB: 8 },
  { name: 'f2fs', as: 'qcow2', type: 'f2fs', uuid: uuid(7), label: 'flash', caseInsensitive: true, allocatedMiB: 40 },
  { name: 'swap', as: 'raw', type: 'swap', uuid: uuid(8), label: 'swap1', allocatedMiB: 1 },
]

const pathOf = ({ name, as }: Pick<Disk, 'name' | 'as'>) => space.path(`${name}.${as}`)
const allocatedMiB = async (path: string) => ((await stat(path)).blocks * 512) / mebibyte

async function create(path: string, as: ImageFormat, size: string): Promise<void> {
  await execa('qemu-img', ['create', '-q', '-f', as, path, size])
}

async function enlarge(path: string, as: ImageFormat, size: string): Promise<void> {
  await execa('qemu-img', ['resize', '-q', '-f', as, path, size])
}

/** All disks at once in one machine: what they do there is independent of how many there are. */
async function onAll(
  work: (session: DriverSession, found: readonly { disk: Disk; attached: AttachedDisk }[]) => Promise<void>,
): Promise<void> {
  const { driver, context } = await openTestDriver()
  const requests = await Promise.all(
    disks.map(async (disk) => {
      const { chain } = await inspectImage(pathOf(disk), { format: disk.as })
      return { id: disk.name, chain, access: 'read-write' as const }
    }),
  )
  const [first, ...rest] = requests
  if (first === undefined) throw new TypeError('no disks')
  await using session = await driver.open({ disks: [first, ...rest] }, context)
  const found = session.disks.flatMap((attached) => disks.filter(({ name }) => name === attached.id).map((disk) => ({ disk, attached })))
  await work(session, found)
  await session.close()
}

// The checkers of the appliance, changing nothing. Swap has none.
const checkers: Readonly<Record<Disk['type'], readonly [string, ...string[]]>> = {
  ext2: ['e2fsck', '-fn'],
  ext3: ['e2fsck', '-fn'],
  ext4: ['e2fsck', '-fn'],
  xfs: ['xfs_repair', '-n'],
  f2fs: ['fsck.f2fs', '--dry-run'],
  swap: ['swaplabel'],
}

/** Throws when a checker of the file system or of the partition table complains; gives what blkid says. */
async function examine({ toolHost }: DriverSession, { type }: Disk, { device }: AttachedDisk): Promise<Record<string, string>> {
  const said = async (...argv: [string, ...string[]]) => {
    const { exitCode, stdout, stderr } = await toolHost.exec(argv, { timeoutMs: 120_000 })
    const text = Buffer.concat([stdout, stderr]).toString()
    if (exitCode !== 0) throw new Error(`${argv.join(' ')} ended with ${exitCode}: ${text}`)
    return text
  }
  const [probed] = await Promise.all([
    said('blkid', '-p', '-o', 'export', `${device}1`),
    said('sfdisk', '--verify', device),
    said(...checkers[type], `${device}1`),
  ])
  return Object.fromEntries(probed.split('\n').map((line) => line.split('=', 2)))
}

const linux = '0fc63daf-8483-4772-8e79-3d69d8477de4'
const swapType = '0657fd6d-a4ab-43c4-84e5-0933c84b4f4f'

describe('every file system, in raw and qcow2', () => {
  test('is made with its names, whole, and without inflating the image', async () => {
    for (const disk of disks) await create(pathOf(disk), disk.as, '1G')
    await onAll(async (session, found) => {
      await Promise.all(
        found.map(async ({ disk, attached }) => {
          const { type, uuid: id, label = null } = disk
          const made = await formatDisk(session, attached, { ...disk, reservedPercent: undefined }, { force: false })
          expect(made).toMatchObject({ device: `${attached.device}1`, type, uuid: id, label, sizeBytes: 1022 * mebibyte })
          expect(await examine(session, disk, attached)).toMatchObject({
            ...{ TYPE: type, UUID: id, PART_ENTRY_TYPE: type === 'swap' ? swapType : linux, PART_ENTRY_OFFSET: '2048' },
          })
        }),
      )
    })
    for (const disk of disks) expect([disk.name, (await allocatedMiB(pathOf(disk))) < disk.allocatedMiB]).toEqual([disk.name, true])
  })

  test('fills a larger disk, once, and is whole with its names', async () => {
    for (const disk of disks) await enlarge(pathOf(disk), disk.as, '2G')
    await onAll(async (session, found) => {
      for (const { disk, attached } of found) {
        const plan = async () => {
          const storage = await scanStorage(session.toolHost, [attached], session.capabilities)
          const target = chooseGrowTarget(storage)
          if (target.kind !== 'device') throw new TypeError(`nothing to grow on ${disk.name}`)
          return planGrowDevice(session.toolHost, storage, target.device, growTarget)
        }
        const planned = await plan()
        const kind = disk.type === 'swap' ? 'swap' : 'filesystem'
        expect(planned.steps.map((step) => [step.kind, 'toBytes' in step && step.toBytes])).toEqual([
          ['partition', 2046 * mebibyte],
          [kind, 2046 * mebibyte],
        ])
        await growDevice(session, planned)
        expect(await plan()).toEqual({ steps: [], diagnostics: [] })
        expect(await examine(session, disk, attached)).toMatchObject({
          ...{ TYPE: disk.type, UUID: disk.uuid, PART_ENTRY_SIZE: String(2046 * 2048) },
          ...(disk.label === undefined ? {} : { LABEL: disk.label }),
        })
      }
    })
  })
})

async function grown(name: string, rootDevice?: string) {
  const { driver, context } = await openTestDriver()
  const path = space.path(name)
  return grow({ driver, context, image: await inspectImage(path, { format: 'raw' }), rootDevice, clock: () => performance.now() })
}

describe('the command', () => {
  test('formats a disk and grows it, once', async () => {
    const path = space.path('data.qcow2')
    await create(path, 'qcow2', '1G')
    const made = await runJson<FormatReport>(['format', path, '--filesystem', 'ext4', '--uuid', uuid(9).toUpperCase(), '--label', 'data'])
    expect(made.filesystem).toMatchObject({ device: '/dev/sda1', type: 'ext4', uuid: uuid(9), label: 'data', mountpoint: null })
    await enlarge(path, 'qcow2', '2G')
    const report = await runJson<GrowReport>(['grow', path])
    const sizeBytes = 2046 * mebibyte
    expect(report).toMatchObject({ changed: true, image: { format: 'qcow2', virtualSizeBytes: 2048 * mebibyte } })
    expect(report.steps).toEqual([
      { kind: 'partition', device: '/dev/sda1', sizeBytes },
      { kind: 'filesystem', device: '/dev/sda1', sizeBytes },
    ])
    const before = await digestOf(path)
    expect(await runJson<GrowReport>(['grow', path])).toMatchObject({ changed: false, steps: [] })
    expect(await digestOf(path)).toBe(before)
  })

  test('refuses a UUID that is none and a disk that is too small, which changes nothing', async () => {
    const path = space.path('refused.raw')
    await create(path, 'raw', '200M')
    const before = await digestOf(path)
    const code = async (exitCode: number, ...flags: string[]) =>
      (await runJson<ErrorReport>(['format', path, '--format', 'raw', ...flags], exitCode)).error.code
    expect(await code(2, '--filesystem', 'ext4', '--uuid', 'f00d')).toBe('INPUT_FORMAT_UUID')
    expect(await code(3, '--filesystem', 'xfs')).toBe('BLOCK_DISK_TOO_SMALL')
    expect(await digestOf(path)).toBe(before)
  })

  test('refuses a disk that is not empty, unless all of it may be lost', async () => {
    const path = space.path('swap.raw')
    const before = await digestOf(path)
    const args = ['format', path, '--format', 'raw', '--filesystem', 'ext4']
    expect(await runJson<ErrorReport>(args, 3)).toMatchObject({
      error: { code: 'BLOCK_NOT_EMPTY', context: { filesystems: ['swap swap1'] } },
    })
    expect(await digestOf(path)).toBe(before)
    const forced = await runJson<FormatReport>([...args, '--force'])
    expect(forced.filesystem).toMatchObject({ type: 'ext4', label: null })
  })
})

describe('LVM', () => {
  test('the only volume grows, in a logical partition', async () => {
    const path = space.path('lvm.raw')
    await create(path, 'raw', '1G')
    await onDisk(path, async (session, run) => {
      const [{ device }] = session.disks
      await run('sh', '-ec', 'printf "label: dos\\nsize=100MiB,type=83\\ntype=5\\ntype=8e\\n" | sfdisk -q "$1"', 'sh', device)
      await run('pvcreate', '-q', `${device}5`)
      await run('vgcreate', '-q', 'vg0', `${device}5`)
      await run('lvcreate', '-q', '-y', '-L', '400M', '-n', 'data', 'vg0')
      await run('mkfs.xfs', '-q', '/dev/vg0/data')
      await run('vgchange', '-an')
    })
    await enlarge(path, 'raw', '2G')
    const report = await grown('lvm.raw')
    expect(report.steps.map(({ kind, device }) => `${kind} ${device}`)).toEqual([
      'partition /dev/sda2',
      'partition /dev/sda5',
      'physical-volume /dev/sda5',
      'logical-volume /dev/vg0/data',
      'filesystem /dev/vg0/data',
    ])
    expect(report.steps.at(-1)?.sizeBytes).toBeGreaterThan(1900 * mebibyte)
    expect(growReport.parse(await grown('lvm.raw'))).toMatchObject({ changed: false, steps: [] })
  })

  test('of several volumes without a root the one that is named grows', async () => {
    const path = space.path('volumes.raw')
    await create(path, 'raw', '256M')
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
    const error: unknown = await grown('volumes.raw').catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'BLOCK_GROW_AMBIGUOUS', hint: expect.stringContaining('/dev/vg0/one') })
    expect(await digestOf(path)).toBe(before)
    const kinds = (await grown('volumes.raw', '/dev/vg0/two')).steps.map(({ kind, device }) => `${kind} ${device}`)
    expect(kinds).toEqual(['logical-volume /dev/vg0/two', 'filesystem /dev/vg0/two'])
  })

  test('of several volumes the one that the root is on grows, with what is free in its group', async () => {
    const path = space.path('guest.raw')
    await createPhonyDisk(path, { sizeBytes: 256 * mebibyte, type: 'ext4', layout: 'lvm' })
    await enlarge(path, 'raw', '512M')
    await onDisk(path, async (session, run) => {
      await run('pvresize', session.disks[0].device)
      await run('lvcreate', '-q', '-y', '-L', '64M', '-n', 'swap', 'vg0')
      await run('mkswap', '/dev/vg0/swap')
      await run('vgchange', '-an')
    })
    await enlarge(path, 'raw', '1G')
    const { steps } = await grown('guest.raw')
    expect(steps.map(({ kind, device }) => `${kind} ${device}`)).toEqual([
      'physical-volume /dev/sda',
      'logical-volume /dev/vg0/root',
      'filesystem /dev/vg0/root',
    ])
    expect(steps.at(-1)?.sizeBytes).toBe((1024 - 64 - 4) * mebibyte)
    expect(await grown('guest.raw')).toMatchObject({ changed: false, steps: [] })
  })
})
