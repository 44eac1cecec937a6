import { chmod, copyFile, mkdir, open, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import type { DeployReport, ErrorReport } from '@host-deployer/api'
import { hostPath } from '@host-deployer/driver-api'
import { execa } from 'execa'
import { beforeAll, describe, expect, test } from 'vitest'
import { openTestDriver } from './lib/appliance.ts'
import { copyImage } from './lib/copy-image.ts'
import { digestOf } from './lib/digest-of.ts'
import { runCommand, runJson } from './lib/run-command.ts'
import { untilLocked } from './lib/until-locked.ts'
import { createWorkspace, type Workspace } from './lib/workspace.ts'

// What goes wrong before or inside a deploy: each has its code, its exit code, a hint, and leaves the image as it was.

let space: Workspace
let image: string
beforeAll(async () => {
  space = await createWorkspace('bad-input')
  image = await copyImage('debian-12', space.directory, 'qcow2')
})

async function expectError(args: readonly string[], exitCode: number, code: string): Promise<ErrorReport['error']> {
  const { error } = await runJson<ErrorReport>(args, exitCode)
  expect(error.code).toBe(code)
  expect(error.hint).toBeTruthy()
  return error
}

describe('the image', () => {
  test('a missing image, a directory, an empty file', async () => {
    await mkdir(space.path('directory'))
    await writeFile(space.path('empty.raw'), '')
    expect(await expectError(['probe', space.path('missing')], 3, 'IMAGE_NOT_FOUND')).toMatchObject({ phase: 'resolve' })
    await expectError(['probe', space.path('directory')], 3, 'IMAGE_NOT_A_DISK')
    await expectError(['probe', space.path('empty.raw')], 3, 'IMAGE_EMPTY')
  })

  test('a truncated qcow2, and raw declared where the bytes say qcow2', async () => {
    await copyFile(image, space.path('cut.qcow2'))
    await truncate(space.path('cut.qcow2'), 200 * 2 ** 20)
    await expectError(['deploy', space.path('cut.qcow2'), '--hostname', 'x'], 3, 'IMAGE_DAMAGED')
    await expectError(['deploy', image, '--format', 'raw', '--hostname', 'x'], 3, 'IMAGE_FORMAT_MISMATCH')
  })

  test('a backing file outside the allowed paths is refused, inside them it is a base that stays as it was', async () => {
    const elsewhere = await createWorkspace('elsewhere')
    const overlay = space.path('overlay.qcow2')
    const base = elsewhere.path('base.qcow2')
    await copyFile(image, base)
    await chmod(base, 0o444)
    await execa('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', base, overlay])
    await expectError(['deploy', overlay, '--hostname', 'x'], 3, 'IMAGE_BACKING_REFUSED')

    const before = await digestOf(base)
    const report = await runJson<DeployReport>(['deploy', overlay, '--hostname', 'over', '--allow-path', elsewhere.directory])
    expect(report.changed).toBe(true)
    expect(await digestOf(base)).toBe(before)
  })

  test('an image that somebody else has open is refused as locked', async () => {
    const holder = execa('qemu-io', ['-f', 'qcow2', image, '-c', 'sleep 120000'], { reject: false, stdio: ['ignore', 'pipe', 'ignore'] })
    try {
      await untilLocked(image)
      await expectError(['deploy', image, '--hostname', 'x'], 3, 'IMAGE_LOCKED')
    } finally {
      holder.kill('SIGKILL')
      await holder
    }
  })

  test('a disk without a root file system, and one with nothing on it', async () => {
    const blank = await open(space.path('blank.raw'), 'w')
    await blank.truncate(64 * 2 ** 20)
    await blank.close()
    await expectError(['probe', space.path('blank.raw')], 5, 'BLOCK_NO_ROOT')
    await copyFile(space.path('blank.raw'), space.path('data.raw'))
    await execa('mkfs.ext4', ['-q', space.path('data.raw')])
    await expectError(['deploy', space.path('data.raw'), '--hostname', 'x'], 5, 'BLOCK_NO_ROOT')
  })
})

describe('the request', () => {
  const deployWith = async (userData: string) => ['deploy', image, '--user-data', await space.write('user-data', userData)]

  test('malformed YAML, an unknown key with its line, a key that is not supported', async () => {
    const malformed = await expectError(await deployWith('#cloud-config\nhostname: [unclosed\n'), 2, 'INPUT_YAML_INVALID')
    expect(malformed.phase).toBe('parse')
    const unknown = await expectError(await deployWith('#cloud-config\nhostname: web1\nhostnam: web2\n'), 2, 'INPUT_KEY_UNKNOWN')
    expect(JSON.stringify(unknown)).toContain('3')
    await expectError(await deployWith('#cloud-config\npackages: [nginx]\n'), 2, 'INPUT_KEY_UNSUPPORTED')
  })

  test('an unsupported key can be left out on purpose', async () => {
    const args = [...(await deployWith('#cloud-config\npackages: [nginx]\nhostname: web1\n')), '--ignore-unsupported', '--dry-run']
    const report = await runJson<DeployReport>(args)
    expect(report.diagnostics).toContainEqual(
      expect.objectContaining({ severity: 'warning', code: 'INPUT_KEY_UNSUPPORTED', path: 'packages' }),
    )
    const phases = Object.keys(report.timings).filter((name) => !name.includes('.'))
    expect(phases).toEqual(['parse', 'resolve', 'open', 'scan', 'mount', 'detect', 'stage', 'diff', 'close'])
  })

  test('paths that lead out, and a file that is not there', async () => {
    await expectError(await deployWith('#cloud-config\nwrite_files:\n  - path: /etc/../../x\n    content: x\n'), 2, 'INPUT_PATH_INVALID')
    await expectError(await deployWith('#cloud-config\nwrite_files:\n  - path: "/etc/a\\0b"\n    content: x\n'), 2, 'INPUT_PATH_INVALID')
    await expectError(['deploy', image, '--user-data', space.path('absent')], 2, 'INPUT_FILE_UNREADABLE')
  })

  test('usage errors are told from faults', async () => {
    expect((await runCommand('deploy')).exitCode).toBe(2)
    await expectError(['deploy'], 2, 'USAGE_INVALID')
    await expectError(['deploy', image, '--no-such-option'], 2, 'USAGE_INVALID')
    expect((await runCommand('--help')).exitCode).toBe(0)
  })
})

test('without an appliance the error says how to get one', async () => {
  const { exitCode, stdout } = await runCommand('probe', image, '--json', '--appliance', space.path('no-appliance'))
  expect(exitCode).toBe(4)
  const { error } = JSON.parse(stdout) as ErrorReport
  expect(error.code).toBe('APPLIANCE_MISSING')
  expect(error.hint).toContain('appliance build')
})

test('what a failed run knew is kept on request, and named', async () => {
  const blank = await open(space.path('kept.raw'), 'w')
  await blank.truncate(8 * 2 ** 20)
  await blank.close()
  const { diagnostics = [] } = await expectError(['probe', space.path('kept.raw'), '--keep-on-failure'], 5, 'BLOCK_NO_ROOT')
  const kept = diagnostics.find(({ code }) => code === 'TRACES_KEPT')?.path ?? ''
  expect((await readdir(kept)).sort()).toEqual(['console.log', 'disk0.overlay.qcow2', 'qemu.json', 'qmp.log'])
  await rm(kept, { recursive: true })
})

test('a full file system: nothing is half-written', async () => {
  const before = await digestOf(image)
  const big = Buffer.alloc(2 * 2 ** 20, 'x').toString('base64')
  const full = await fillRoot(space.path('full.qcow2'), image)
  const path = await space.write(
    'user-data',
    `#cloud-config\nhostname: full\nwrite_files:\n  - path: /opt/big\n    encoding: b64\n    content: ${big}\n`,
  )
  const fullBefore = await runJson<DeployReport>(['deploy', full, '--hostname', 'probe-only', '--dry-run'])
  await expectError(['deploy', full, '--user-data', path], 6, 'FS_NO_SPACE')
  const fullAfter = await runJson<DeployReport>(['deploy', full, '--hostname', 'probe-only', '--dry-run'])
  expect(fullAfter.diff).toEqual(fullBefore.diff)
  expect(await digestOf(image)).toBe(before)
})

async function fillRoot(path: string, from: string): Promise<string> {
  await copyFile(from, path)
  const { driver, context } = await openTestDriver()
  await using session = await driver.open(
    { disks: [{ id: 'disk0', chain: [{ path: hostPath(path), format: 'qcow2' }], access: 'read-write' }] },
    context,
  )
  const { exec } = session.toolHost
  await exec(['mkdir', '-p', '/mnt'])
  await exec(['mount', '-t', 'ext4', `${session.disks[0].device}3`, '/mnt'])
  // Everything, root's reserve included, but for one MiB.
  const { stdout } = await exec(['stat', '-f', '-c', '%f %S', '/mnt'])
  const [blocks = 0, blockBytes = 0] = Buffer.from(stdout).toString().trim().split(' ').map(Number)
  await exec(['fallocate', '-l', String(blocks * blockBytes - 2 ** 20), '/mnt/opt/filler'])
  await exec(['umount', '/mnt'])
  return path
}
