import { chmod, chown, cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DeployReport, ErrorReport } from '@host-deployer/api'
import { execa } from 'execa'
import { beforeAll, expect, test } from 'vitest'
import { ensureAppliance } from './lib/appliance.ts'
import { applianceDirectory } from './lib/appliance-directory.ts'
import { commandLine } from './lib/command-line.ts'
import { createPhonyDisk } from './lib/phony-disk.ts'
import { createWorkspace, type Workspace } from './lib/workspace.ts'

// None of it needs root: an ordinary user, here one without a name as in many containers, deploys an image that is theirs.

const uid = 61_234
const checkout = join(import.meta.dirname, '..')
let space: Workspace
let image: string
beforeAll(async () => {
  await ensureAppliance()
  space = await createWorkspace('user')
  await chmod(space.directory, 0o755)
  image = space.path('disk.raw')
  await createPhonyDisk(image, { type: 'ext4', sizeBytes: 256 * 2 ** 20 })
  await mkdir(space.path('home'))
  await mkdir(space.path('checkout'))
  await cp(applianceDirectory(), space.path('appliance'), { recursive: true })
  for (const path of [image, space.path('home')]) await chown(path, uid, uid)
})

/**
 * Runs the command as that user. The checkout may lie where only root can look: in a mount namespace of its own it is seen at another place.
 */
async function asUser(...args: readonly string[]) {
  const seen = (path: string) => path.replace(checkout, space.path('checkout'))
  const command = commandLine([...args, '--json', '--appliance', space.path('appliance')]).map(seen)
  const script = 'mount --bind "$1" "$2" && user=$3 && shift 3 && exec setpriv --reuid "$user" --regid "$user" --clear-groups -- "$@"'
  const result = await execa('unshare', ['--mount', 'sh', '-c', script, 'sh', checkout, space.path('checkout'), String(uid), ...command], {
    reject: false,
    timeout: 540_000,
    cwd: space.path('home'),
    extendEnv: false,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: space.path('home'), TMPDIR: space.path('home') },
  })
  return { exitCode: result.exitCode, document: JSON.parse(result.stdout) as unknown }
}

test('deploys their image; the second run finds it done', async () => {
  await chmod(image, 0o600)
  const first = await asUser('deploy', image, '--hostname', 'ordinary')
  expect(first).toMatchObject({ exitCode: 0, document: { changed: true } satisfies Partial<DeployReport> })
  const second = await asUser('deploy', image, '--hostname', 'ordinary')
  expect(second).toMatchObject({ exitCode: 0, document: { changed: false } satisfies Partial<DeployReport> })
  // Clones of a template of their own, which the first one made.
  for (const { document } of [first, second]) expect((document as DeployReport).timings).toHaveProperty(['open.restore'])
})

test('an image of somebody else is refused, one that may only be read is probed', async () => {
  await chown(image, 0, 0)
  const refused = await asUser('probe', image)
  expect(refused.exitCode).toBe(3)
  expect((refused.document as ErrorReport).error.code).toBe('IMAGE_PERMISSION_DENIED')
  await chmod(image, 0o644)
  expect(await asUser('probe', image)).toMatchObject({ exitCode: 0, document: { os: { hostname: 'ordinary' } } })
  expect((await asUser('deploy', image, '--hostname', 'other')).exitCode).toBe(3)
})
