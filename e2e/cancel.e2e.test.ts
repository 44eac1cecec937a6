import { join } from 'node:path'
import { type DeployReport, type ErrorReport, errorReport } from '@host-deployer/api'
import { execa } from 'execa'
import { beforeAll, expect, test } from 'vitest'
import { applianceDirectory } from './lib/appliance-directory.ts'
import { cacheDirectory } from './lib/cache.ts'
import { commandLine } from './lib/command-line.ts'
import { copyImage } from './lib/copy-image.ts'
import { digestOf } from './lib/digest-of.ts'
import { runJson } from './lib/run-command.ts'
import { createWorkspace, type Workspace } from './lib/workspace.ts'

// A deploy is given up, by its own time limit or by Ctrl-C: before the commit the image stays as it was, after it the error says that it did not.

let space: Workspace
beforeAll(async () => {
  space = await createWorkspace('cancel')
})

interface Run {
  readonly env?: Readonly<Record<string, string>>
  /** Ctrl-C as soon as such a program runs in the VM. */
  readonly interruptAt?: RegExp
}

/** A deploy that fails, with a driver that says what runs. */
async function failing(args: readonly string[], { env = {}, interruptAt }: Run): Promise<ErrorReport['error']> {
  const own = ['--json', '--appliance', applianceDirectory(), '--driver', join(import.meta.dirname, 'lib', 'told-driver.ts')]
  const [node, ...rest] = commandLine([...args, ...own, '--allow-path', cacheDirectory()])
  const child = execa(node, rest, { env, reject: false, timeout: 240_000, stdin: 'ignore' })
  let said = ''
  child.stderr.on('data', (part: Buffer) => {
    said += part.toString()
    if (interruptAt?.test(said) !== true) return
    said = ''
    child.kill('SIGINT')
  })
  const { exitCode, stdout } = await child
  expect(exitCode).toBe(7)
  return errorReport.parse(JSON.parse(stdout)).error
}

test('--timeout ends a mount that hangs, and the image stays as it was', async () => {
  const image = await copyImage('debian-12', space.path('timeout'), 'overlay')
  const before = await digestOf(image)
  const started = performance.now()
  const error = await failing(['deploy', image, '--hostname', 'late', '--timeout', '15'], { env: { HOST_DEPLOYER_MOUNT_HANGS: '1' } })
  expect(error).toMatchObject({ code: 'TIMEOUT', phase: 'mount' })
  // Mounting has a limit of its own, which is not what ended it.
  expect(performance.now() - started).toBeLessThan(60_000)
  expect(await digestOf(image)).toBe(before)
})

test('Ctrl-C does, too', async () => {
  const image = await copyImage('debian-12', space.path('interrupt'), 'overlay')
  const before = await digestOf(image)
  const error = await failing(['deploy', image, '--hostname', 'late'], {
    env: { HOST_DEPLOYER_MOUNT_HANGS: '1' },
    interruptAt: /^runs mount /m,
  })
  expect(error).toMatchObject({ code: 'ABORTED', phase: 'mount' })
  expect(await digestOf(image)).toBe(before)
})

test('Ctrl-C in a commit lets it end, and the error says that the changes are there', async () => {
  const image = await copyImage('debian-12', space.path('commit'), 'overlay')
  const error = await failing(['deploy', image, '--hostname', 'late'], {
    env: { HOST_DEPLOYER_REMOUNT_AWAITS_INTERRUPT: '1' },
    interruptAt: /^runs mount .*remount,rw/m,
  })
  expect(error).toMatchObject({ code: 'ABORTED', phase: 'unmount', context: { committed: true } })
  const again = await runJson<DeployReport>(['deploy', image, '--hostname', 'late', '--dry-run', '--allow-path', cacheDirectory()])
  expect(again.diff).toEqual([])
})
