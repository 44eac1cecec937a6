import { runConformance } from '@host-deployer/driver-testkit'
import { beforeAll, expect, test } from 'vitest'
import { type DriverName, type ReadyDriver, readyDriver } from './lib/ready-driver.ts'
import { createWorkspace, type Workspace } from './lib/workspace.ts'

// Sessions and refusals one after the other leave nothing and hold nothing: processes, descriptors, mounts, loop devices, sockets, directories, memory.

const isSoak = process.env['HOST_DEPLOYER_SOAK'] !== undefined
const rounds = isSoak ? 100 : 10

const rows: readonly (readonly [driver: DriverName, options: ReadyDriver['options']])[] = [
  ['nbd', {}],
  ['qsd-fuse', {}],
  ['plain-js', {}],
  ['qemu-initramfs', { template: 'auto' }],
  ...(isSoak ? ([['qemu-initramfs', { template: 'off' }]] as const) : []),
]

let space: Workspace
beforeAll(async () => {
  space = await createWorkspace('loops')
})

test.each(rows)(`${rounds} sessions in a loop: %s %j`, async (name, more) => {
  const { driver, options, context } = await readyDriver(name, space.directory, more)
  const { checks } = await runConformance({ driver, options, cacheDirectory: context.cacheDirectory, groups: ['leak'], rounds })
  expect(checks.map(({ id, outcome, failure }) => [id, outcome, failure])).toEqual(checks.map(({ id }) => [id, 'passed', undefined]))
  expect(checks.length).toBeGreaterThan(0)
})
