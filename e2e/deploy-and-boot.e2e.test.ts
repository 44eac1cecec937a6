import type { DeployReport } from '@host-deployer/api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bootGuest } from './lib/boot-guest.ts'
import { checkFileSystems } from './lib/check-file-systems.ts'
import { copyImage } from './lib/copy-image.ts'
import { digestOf } from './lib/digest-of.ts'
import { expectScenario } from './lib/expect-scenario.ts'
import type { ImageName } from './lib/image-definitions.ts'
import { driverArguments, runCommand, runJson } from './lib/run-command.ts'
import { metaData, networkConfig, scenario, userData } from './lib/scenario.ts'
import { createKeyPair, createWorkspace, type Workspace } from './lib/workspace.ts'

const images: readonly { readonly name: ImageName; readonly as: 'overlay' | 'raw'; readonly rootType: string }[] = [
  { name: 'debian-12', as: 'overlay', rootType: 'ext4' },
  { name: 'debian-12', as: 'raw', rootType: 'ext4' },
  { name: 'debian-13', as: 'overlay', rootType: 'xfs' },
]

describe.each(images)('$name as $as', ({ name, as, rootType }) => {
  const key = createKeyPair('alice@example')
  let space: Workspace
  let image: string
  let deployArguments: string[]
  let report: DeployReport

  beforeAll(async () => {
    space = await createWorkspace(name)
    image = await copyImage(name, space.directory, as, '8G')
    await space.write('user-data', userData(key))
    await space.write('meta-data', metaData)
    await space.write('network-config', networkConfig)
    deployArguments = ['deploy', image, '--seed', space.directory, '--allow-path', '/']
  })
  afterAll(() => space.remove())

  test('a dry run shows the diff and leaves every byte as it was', async () => {
    const before = await digestOf(image)
    const dry = await runJson<DeployReport>([...deployArguments, '--dry-run'])
    expect(dry).toMatchObject({ dryRun: true, changed: true })
    expect(dry.diff.map(({ path }) => path)).toContain('/etc/example/app.conf')
    expect(await digestOf(image)).toBe(before)
  })

  test('the deploy reports what it changed, the same request again changes nothing', async () => {
    report = await runJson<DeployReport>(deployArguments)
    expect(report).toMatchObject({
      changed: true,
      driver: 'qemu-initramfs',
      facts: { storage: { filesystems: expect.arrayContaining([expect.objectContaining({ mountpoint: '/', type: rootType })]) } },
    })
    expect(report.operations.filter(({ outcome }) => outcome === 'failed')).toEqual([])
    expect(JSON.stringify(report)).not.toContain(scenario.rootPassword.slice(0, 8))

    const before = await digestOf(image)
    const again = await runJson<DeployReport>(deployArguments)
    expect(again).toMatchObject({ changed: false, diff: [] })
    expect(await digestOf(image)).toBe(before)
  })

  test('no secret is in what people and logs are shown', async () => {
    const { exitCode, stdout, stderr } = await runCommand(...deployArguments, '--dry-run', '--verbose', ...driverArguments())
    expect(exitCode).toBe(0)
    const shown = `${stdout}${stderr}`
    expect(shown).toContain('vm.booted')
    for (const secret of [scenario.alicePassword, scenario.rootPassword, '$6$']) expect(shown).not.toContain(secret)
  })

  test('the guest boots by its own boot loader and is what was asked for', async () => {
    await using guest = await bootGuest(image, { format: as === 'raw' ? 'raw' : 'qcow2', address: scenario.address, mac: scenario.mac })
    await guest.waitForConsole(/web1 login:/)
    await expectScenario(guest, key.privateKey)
    await guest.powerOff()
  })

  test('the file systems are clean afterwards', async () => {
    expect(await checkFileSystems(image, as === 'raw' ? 'raw' : 'qcow2')).toEqual([])
  })
})
