import { rm } from 'node:fs/promises'
import { basename } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type Ambient, type Deployed, deploy } from '@host-deployer/core'
import { createLocalToolHost } from '@host-deployer/driver-kit'
import { inspectImage } from '@host-deployer/image'
import { execa } from 'execa'
import { beforeAll, expect, test } from 'vitest'
import { type GoldenCase, goldenCases, readGolden, renderGolden } from '../packages/core/src/testing/golden.ts'
import { listTree } from './lib/list-tree.ts'
import { createPhonyDisk, type PhonyDiskOptions } from './lib/phony-disk.ts'
import { readTree } from './lib/read-tree.ts'
import { type ReadyDriver, readyDriver } from './lib/ready-driver.ts'
import { createWorkspace, type Workspace } from './lib/workspace.ts'

// A driver only attaches disks: through whichever a request goes, the guest it leaves is the same, to the last attribute, and the golden one.

const MiB = 2 ** 20

interface Layout extends Pick<PhonyDiskOptions, 'type' | 'layout'> {
  readonly format: 'raw' | 'qcow2'
}

// Those that every driver can attach wherever this runs. Logical volumes take device mapper: the machine of nbd-kernel.e2e.test.ts has it.
const layouts = {
  'ext4 on GPT, qcow2': { type: 'ext4', layout: 'gpt', format: 'qcow2' },
  'xfs, raw': { type: 'xfs', format: 'raw' },
  'btrfs on GPT, raw': { type: 'btrfs', layout: 'gpt', format: 'raw' },
  'xfs on GPT, qcow2': { type: 'xfs', layout: 'gpt', format: 'qcow2' },
  'ext4, raw': { type: 'ext4', format: 'raw' },
  'btrfs, qcow2': { type: 'btrfs', format: 'qcow2' },
} as const satisfies Readonly<Record<string, Layout>>

type LayoutName = keyof typeof layouts
type Row = readonly [caseName: string, guest: string, layout: LayoutName]

const cases = new Map(goldenCases().map((golden) => [golden.name, golden]))
const names = Object.keys(layouts) as LayoutName[]
const mostGuests = Math.max(...[...cases.values()].map(({ guests }) => guests.length))
/** Every case on each of its guests: first every case on its first guest, then on its second. The layouts take turns. */
const everyRow = Array.from({ length: mostGuests }, (_, turn) =>
  [...cases.values()].flatMap(({ name, guests }, at): Row[] => {
    const [guest] = guests.slice(turn)
    const [layout] = names.slice((at + turn) % names.length)
    return guest === undefined || layout === undefined ? [] : [[name, guest, layout]]
  }),
).flat()
// Accounts and their modes, owners and odd contents, and what is removed.
const gateRows: readonly Row[] = [
  ['accounts', 'debian-12', 'ext4 on GPT, qcow2'],
  ['write-files', 'ubuntu-24.04', 'xfs, raw'],
  ['network-dual-stack', 'debian-12-cloud', 'btrfs on GPT, raw'],
]

let space: Workspace
let drivers: readonly ReadyDriver[]
beforeAll(async () => {
  space = await createWorkspace('agree')
  drivers = await Promise.all((['nbd', 'qsd-fuse', 'qemu-initramfs'] as const).map((name) => readyDriver(name, space.directory)))
})

test.each(process.env['HOST_DEPLOYER_SOAK'] === undefined ? gateRows : everyRow)('%s, %s, %s', async (caseName, guest, layoutName) => {
  const layout: Layout = layouts[layoutName]
  const base = await baseOf(guest, layoutName)
  const request = requestOf(caseName)
  const images = await Promise.all(
    drivers.map(async (driver) => ({ driver, image: await copyOf(base, driver.driver.name, layout.format) })),
  )

  const deployed = await Promise.all(images.map(({ driver, image }) => deployTo(image, layout, request, driver, 0)))
  for (const { report, diff } of deployed) {
    expect(renderGolden(diff)).toBe(readGolden(caseName, guest))
    // There are cases in which there is nothing to do on some guests.
    expect(report.changed).toBe(diff.length > 0)
  }

  const [reference, ...others] = await Promise.all(images.map(({ image }) => readTree(image, layout.format)))
  expect(reference?.complaints).toEqual([])
  expect(reference?.tree['/usr/marked']).toMatchObject({
    links: 2,
    xattrs: expect.arrayContaining([expect.stringMatching(/^user\.origin=/)]),
  })
  for (const other of others) expect(other).toEqual(reference)

  const again = await Promise.all(
    images.map(({ image }, index) => deployTo(image, layout, request, drivers[(index + 1) % drivers.length] as ReadyDriver, 1)),
  )
  expect(again.map(({ report, diff }) => [report.changed, diff])).toEqual(again.map(() => [false, []]))
  for (const { image } of images) await rm(image)
})

test('no difference but in times escapes the comparison', async () => {
  const local = createLocalToolHost()
  const root = space.path('tree')
  const run = (script: string) => local.exec(['sh', '-ec', script, 'sh', root]).then(({ exitCode }) => expect(exitCode).toBe(0))
  const names = ['mode', 'owner', 'text', 'attribute', 'value', 'gone', 'linked', 'copied', 'kept', 'new\nline']
  await run(`mkdir "$1"; cd "$1"; umask 022; ${names.map((name) => `echo x >'${name}'`).join(';')}; ln -s a target; ln copied copy
    mkdir directory; setfattr -n user.a -v b value; setfattr -n user.a -v b 'new\nline'; setfattr -n user.a -v b .`)
  const before = await listTree(local, root)
  expect(Object.keys(before)).toEqual(['', ...names, 'copy', 'directory', 'target'].map((name) => `/${name}`).sort())
  for (const path of ['/value', '/new\nline', '/']) expect(before[path]?.xattrs).toEqual(['user.a=0x62'])
  await run(`cd "$1"; chmod 640 mode; chown 1:2 owner; printf y >text; setfattr -n user.a -v b attribute; setfattr -n user.a -v c value
    rm gone; ln -sfn b target; ln linked another; rm copy; cp -p copied copy; chmod 700 directory; touch kept 'new\nline' .`)
  const after = await listTree(local, root)
  const differing = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (path) => !isDeepStrictEqual(before[path], after[path]),
  )
  const changed = ['mode', 'owner', 'text', 'attribute', 'value', 'gone', 'linked', 'another', 'copied', 'copy', 'directory', 'target']
  expect(differing.sort()).toEqual(changed.map((name) => `/${name}`).sort())
})

function requestOf(caseName: string): GoldenCase['request'] {
  const golden = cases.get(caseName)
  if (golden === undefined) throw new TypeError(`There is no case ${caseName}`)
  return golden.request
}

const bases = new Map<string, Promise<string>>()

/** A disk with the guest as it was installed: made once, never written. */
function baseOf(guest: string, layoutName: LayoutName): Promise<string> {
  const { format: _, ...layout }: Layout = layouts[layoutName]
  const key = `${guest}-${names.indexOf(layoutName)}`
  const make = async (): Promise<string> => {
    const path = space.path(`${key}.base`)
    await createPhonyDisk(path, {
      ...layout,
      guest,
      sizeBytes: 512 * MiB,
      prepare: async (run) => {
        // What a deploy has to keep: attributes of files that it replaces, files with two names.
        const marks = 'setfattr -n user.origin -v template etc/hostname etc/hosts etc/shadow etc/passwd etc/ssh/sshd_config'
        await run('sh', '-ec', `cd /mnt; ${marks}; cd usr; echo x >marked; setfattr -n user.origin -v here marked; ln marked marked-too`)
      },
    })
    return path
  }
  const made = bases.get(key) ?? make()
  bases.set(key, made)
  return made
}

async function copyOf(base: string, name: string, format: Layout['format']): Promise<string> {
  const path = space.path(`${basename(base, '.base')}-${name}.${format}`)
  if (format === 'raw') await execa('cp', ['--sparse=always', base, path])
  else await execa('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', base, path])
  return path
}

/** The day and the random bytes of the golden cases. */
function ambientOf(day: number): Ambient {
  let counter = day * 7
  return {
    now: new Date(Date.UTC(2026, 10, 22 + day, 12)),
    randomBytes: (count) => Uint8Array.from({ length: count }, () => counter++ & 0xff),
  }
}

async function deployTo(
  path: string,
  { format }: Layout,
  request: GoldenCase['request'],
  { driver, context }: ReadyDriver,
  day: number,
): Promise<Deployed> {
  const image = await inspectImage(path, { format })
  return await deploy({ driver, context, image, request, ambient: ambientOf(day), clock: () => performance.now() })
}
