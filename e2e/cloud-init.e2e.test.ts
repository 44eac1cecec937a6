import { rm } from 'node:fs/promises'
import type { DeployReport } from '@host-deployer/api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BootOptions, bootGuest } from './lib/boot-guest.ts'
import { cacheDirectory } from './lib/cache.ts'
import { copyImage } from './lib/copy-image.ts'
import { expectScenario } from './lib/expect-scenario.ts'
import { runJson } from './lib/run-command.ts'
import { metaData, networkConfig, scenario, userData } from './lib/scenario.ts'
import { createSeedImage } from './lib/seed-image.ts'
import { createKeyPair, createWorkspace, type Workspace } from './lib/workspace.ts'

// Most public images have a cloud-init in them that runs at the first boot and may undo what was set. What we set stays set.

const key = createKeyPair('alice@example')
let space: Workspace
beforeAll(async () => {
  space = await createWorkspace('cloud-init')
  await space.write('user-data', userData(key))
  await space.write('meta-data', metaData)
  await space.write('network-config', networkConfig)
})
afterAll(() => space.remove())

const withoutSource = { format: 'qcow2', address: scenario.address, mac: scenario.mac } satisfies BootOptions

/** Every boot has to show the same guest. */
async function bootTwice(image: string, options: BootOptions): Promise<void> {
  for (const boot of ['first', 'second']) {
    await using guest = await bootGuest(image, options)
    await guest.waitForConsole(/web1 login:/)
    await expectScenario(guest, key.privateKey)
    using root = await guest.login('root', { password: scenario.rootPassword })
    expect((await root.run('cloud-init status --wait >/dev/null; hostname')).stdout.trim(), boot).toBe(scenario.hostname)
    await guest.powerOff()
  }
}

describe('keep', () => {
  test('without a data source, booted twice', async () => {
    const image = await copyImage('debian-12-cloud', space.path('none'), 'overlay', '8G')
    const report = await runJson<DeployReport>(['deploy', image, '--seed', space.directory, '--allow-path', cacheDirectory(), '--grow'])
    expect(report.cloudInit).toEqual({ installed: true, mode: 'keep' })
    await bootTwice(image, withoutSource)
    await rm(space.path('none'), { recursive: true })
  })

  test('with a data source that wants everything otherwise, booted twice', async () => {
    const image = await copyImage('debian-12-cloud', space.path('source'), 'overlay', '8G')
    await runJson<DeployReport>(['deploy', image, '--seed', space.directory, '--allow-path', cacheDirectory()])
    const seedImage = await createSeedImage(space.path('seed.img'), {
      'user-data': '#cloud-config\nhostname: imposter\nmanage_etc_hosts: true\nssh_pwauth: false\ndisable_root: true\n',
      'meta-data': 'instance-id: other\nlocal-hostname: imposter\n',
      'network-config': 'version: 2\nethernets:\n  all:\n    match: { name: "e*" }\n    dhcp4: true\n',
    })
    await bootTwice(image, { ...withoutSource, seedImage })
  })
})

test('delegate: cloud-init does it all from the seed we left', async () => {
  const image = await copyImage('debian-12-cloud', space.path('delegate'), 'overlay', '8G')
  const args = ['deploy', image, '--seed', space.directory, '--allow-path', cacheDirectory(), '--cloud-init', 'delegate']
  const report = await runJson<DeployReport>(args)
  expect(report.cloudInit.mode).toBe('delegate')
  expect(report.diff.map(({ path }) => path)).toContain('/var/lib/cloud/seed/nocloud/user-data')
  expect(report.diff.map(({ path }) => path)).not.toContain('/etc/passwd')
  expect((await runJson<DeployReport>(args)).changed).toBe(false)

  await using guest = await bootGuest(image, withoutSource)
  await guest.waitForConsole(/web1 login:/)
  using alice = await guest.login('alice', { privateKey: key.privateKey }, 240_000)
  expect((await alice.run('hostname -f')).stdout.trim()).toBe(scenario.fqdn)
  await guest.powerOff()
})
