import { chmod, mkdir, readdir } from 'node:fs/promises'
import type { DeployReport, ErrorReport, ProbeReport } from '@host-deployer/api'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { checkFileSystems } from './lib/check-file-systems.ts'
import { createPhonyDisk } from './lib/phony-disk.ts'
import { random } from './lib/random.ts'
import { driverArguments, runCommand, runJson } from './lib/run-command.ts'
import { untilLocked } from './lib/until-locked.ts'
import { createWorkspace, type Workspace } from './lib/workspace.ts'

// Many at once, and many one after the other: each does what it should, and nothing is left of them.

const soak = process.env['HOST_DEPLOYER_SOAK'] !== undefined
const atOnce = soak ? 6 : 2
const rounds = soak ? 25 : 2
const MiB = 2 ** 20

let space: Workspace
beforeAll(async () => {
  space = await createWorkspace('load')
  // Of our own, so that what is left can be told from what others are using. QEMU runs as another user.
  await mkdir(space.path('tmp'))
  for (const directory of [space.directory, space.path('tmp')]) await chmod(directory, 0o711)
  vi.stubEnv('TMPDIR', space.path('tmp'))
  vi.stubEnv('XDG_STATE_HOME', space.path('state'))
})
afterAll(() => vi.unstubAllEnvs())

async function leftovers(): Promise<string[]> {
  const under = async (path: string) =>
    (await readdir(path, { recursive: true, withFileTypes: true }).catch(() => [])).map(({ name }) => name)
  const work = (await readdir(space.path('tmp'))).filter((name) => name.startsWith('host-deployer-'))
  return [
    ...(await Promise.all(work.map((name) => under(space.path('tmp', name))))).flat(),
    ...(await under(space.path('state', 'host-deployer'))),
  ]
}

test(`${atOnce} deploys at once, of images with the same volume group, volumes and file systems, down to their UUIDs`, async () => {
  const first = space.path('image-0.raw')
  await createPhonyDisk(first, { type: 'xfs', layout: 'lvm', sizeBytes: 512 * MiB })
  const images = [first, ...Array.from({ length: atOnce - 1 }, (_, index) => space.path(`image-${index + 1}.raw`))]
  for (const image of images.slice(1)) await execa('cp', ['--sparse=always', first, image])
  const reports = await Promise.all(images.map((image, index) => runJson<DeployReport>(['deploy', image, '--hostname', `host${index}`])))
  for (const [index, image] of images.entries()) {
    expect(reports[index]).toMatchObject({ changed: true, facts: { storage: { lvm: true } } })
    expect((await runJson<ProbeReport>(['probe', image])).os.hostname).toBe(`host${index}`)
  }
  expect(await leftovers()).toEqual([])
})

test('two deploys of one image at once: one does it, the other is told', async () => {
  const image = space.path('image-0.raw')
  const deploy = (name: string) => runCommand('deploy', image, '--hostname', name, '--json', ...driverArguments())
  const first = deploy('left')
  await untilLocked(image)
  // It stands still until the other has been told: on a busy machine it could be done before the other comes that far.
  first.kill('SIGSTOP')
  const second = await deploy('right')
  first.kill('SIGCONT')
  expect([(await first).exitCode, second.exitCode]).toEqual([0, 3])
  expect((JSON.parse(second.stdout) as ErrorReport).error.code).toBe('IMAGE_LOCKED')
  expect((await runJson<ProbeReport>(['probe', image])).os.hostname).toBe('left')
  expect(await leftovers()).toEqual([])
})

test(`${rounds} rounds on one image`, async () => {
  const image = space.path('image-0.raw')
  const draw = random()
  let current = (await runJson<ProbeReport>(['probe', image])).os.hostname
  for (let round = 0; round < rounds; round++) {
    const hostname = `host${Math.floor(draw() * 3)}`
    const report = await runJson<DeployReport>(['deploy', image, '--hostname', hostname])
    expect(report.changed, `round ${round}`).toBe(hostname !== current)
    current = hostname
  }
  expect(await checkFileSystems(image, 'raw')).toEqual([])
  expect(await leftovers()).toEqual([])
})
